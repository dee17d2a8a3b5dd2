namespace Tidemark.Functions.Status;

/// <summary>Registered by a host whose input has an end (<c>./run --once</c>); see <see cref="AlertOptions.IsBounded"/>.</summary>
public sealed class BoundedInput;
