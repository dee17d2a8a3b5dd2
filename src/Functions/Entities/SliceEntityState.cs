using Tidemark.Domain.Ledger;

namespace Tidemark.Functions.Entities;

/// <summary>
/// A slice entity as the durable backend stores it, in JSON: public properties only, bytes as base64. Fields may be added, never renamed: state
/// written by an older version must stay readable.
/// </summary>
public sealed record SliceEntityState
{
    /// <summary>Number of applies that took effect.</summary>
    public long Version { get; init; }

    /// <summary>Per partition the offset up to which ranges are merged.</summary>
    public Dictionary<int, long> Position { get; init; } = [];

    /// <summary>Saved fold state.</summary>
    public byte[] State { get; init; } = [];

    /// <summary>Blob that holds the fold state, too large for the entity; <see cref="State"/> is empty then.</summary>
    public string? Blob { get; init; }

    /// <summary>Operations that were refused, newest last, at most 20.</summary>
    public List<string> Faults { get; init; } = [];

    internal static SliceEntityState? From(EntitySnapshot? snapshot) => snapshot is null ? null : new SliceEntityState
    {
        Version = snapshot.Version,
        Position = snapshot.Position.ToDictionary(),
        State = snapshot.State,
        Blob = snapshot.Blob,
        Faults = [.. snapshot.Faults],
    };

    internal EntitySnapshot ToSnapshot() => new(Version, Position, State, Faults, Blob);
}
