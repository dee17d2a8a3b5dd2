using System.Reflection;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Extensions.Abstractions;

namespace Tidemark.LocalHost.Discovery;

/// <summary>A method that carries <see cref="FunctionAttribute"/>.</summary>
/// <param name="Name">The function's name.</param>
/// <param name="Method">The method; its instance, if any, is made by dependency injection for each invocation.</param>
/// <param name="Trigger">The attribute of the parameter that the trigger fills.</param>
/// <param name="TriggerParameter">That parameter.</param>
/// <param name="Retry">Retry policy of the function, null when it has none.</param>
internal sealed record FunctionMethod(
    string Name, MethodInfo Method, TriggerBindingAttribute Trigger, ParameterInfo TriggerParameter, RetryAttribute? Retry);
