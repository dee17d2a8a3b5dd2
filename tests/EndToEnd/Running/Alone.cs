namespace Tidemark.EndToEnd.Running;

/// <summary>Tests whose input must not be over before ticks have moved the frontier through a part of it: no other runs beside them.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public class Alone
{
    public const string Name = "alone";
}
