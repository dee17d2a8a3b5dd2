using System.Collections.Concurrent;

namespace Tidemark.Domain.Schemas;

/// <summary>
/// The schemas that events may name: the versions of schemas/, which come with the program, and those of a registry by their id, which are added as
/// records name them. Any number of threads may use it.
/// </summary>
public sealed class EventSchemas
{
    private readonly Dictionary<int, EventSchema> versions = [];
    private readonly ConcurrentDictionary<int, Registered> registered = new();

    /// <summary>With the versions that come with the program.</summary>
    public EventSchemas()
    {
        var assembly = typeof(EventSchemas).Assembly;
        foreach (var name in assembly.GetManifestResourceNames().Where(n => n.StartsWith("schemas/", StringComparison.Ordinal)))
        {
            using var stream = assembly.GetManifestResourceStream(name)!;
            var bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            var schema = EventSchema.Parse(bytes);
            versions.Add(schema.Version ?? throw new InvalidDataException($"{name} has no x-version."), schema);
        }
    }

    /// <summary>Whether a registry is asked; without one, what stands behind the id of a record is taken as JSON of no named schema.</summary>
    public bool HasRegistry { get; init; }

    /// <summary>The versions that come with the program, ascending.</summary>
    public IEnumerable<int> Versions => versions.Keys.Order();

    /// <summary>Whether a schema of the registry has been added (or found to be missing).</summary>
    public bool Knows(int id) => registered.ContainsKey(id);

    /// <summary>Adds a JSON Schema of the registry; throws <see cref="InvalidDataException"/> when the text is none.</summary>
    public void Add(int id, ReadOnlyMemory<byte> jsonSchema) => registered[id] = new Registered(EventSchema.Parse(jsonSchema), null);

    /// <summary>Adds a schema of another kind (<c>avro</c>, <c>protobuf</c>), records of which are refused by that name.</summary>
    public void AddUnsupported(int id, string kind) => registered[id] = new Registered(null, kind);

    internal EventSchema? Version(int version) => versions.GetValueOrDefault(version);

    internal Registered? WithId(int id) => registered.TryGetValue(id, out var found) ? found : null;

    /// <summary>A schema of the registry, or the kind that it is and that is not read.</summary>
    internal readonly record struct Registered(EventSchema? Schema, string? Unsupported);
}
