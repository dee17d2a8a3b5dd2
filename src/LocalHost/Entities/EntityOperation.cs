using Azure.Core.Serialization;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Entities;

namespace Tidemark.LocalHost.Entities;

/// <summary>One operation as the entity sees it.</summary>
internal sealed class EntityOperation(string name, string? input, EntityContext context, EntityState state, ObjectSerializer serializer)
    : TaskEntityOperation
{
    public override string Name => name;

    public override TaskEntityContext Context => context;

    public override TaskEntityState State => state;

    public override bool HasInput => input is not null;

    public override object? GetInput(Type inputType) => Json.Read(serializer, input, inputType);
}

/// <summary>
/// State of an entity during a batch: read once, serialised after every operation. <see cref="Accept"/> keeps what an operation did,
/// <see cref="Reject"/> takes it back.
/// </summary>
internal sealed class EntityState(EntityInstanceId id, string? json, ObjectSerializer serializer) : TaskEntityState
{
    private string? accepted = json;
    private string? current = json;
    private object? cached;

    public override bool HasState => current is not null;

    /// <summary>JSON after the last accepted operation; null = no state.</summary>
    public string? Accepted => accepted;

    public override object? GetState(Type type)
    {
        if (cached is not null && type.IsInstanceOfType(cached))
            return cached;
        return cached = Json.Read(serializer, current, type);
    }

    /// <exception cref="EntityLimitException">The state is too large.</exception>
    public override void SetState(object? state)
    {
        var text = state is null ? null : Json.Write(serializer, state);
        EntityLimits.Check(text, $"The state of {id}");
        current = text;
        cached = state;
    }

    public void Accept() => accepted = current;

    public void Reject()
    {
        current = accepted;
        cached = null;
    }
}

/// <summary>Collects the signals that operations send; those of a failed operation are dropped.</summary>
internal sealed class EntityContext(EntityInstanceId id, ObjectSerializer serializer) : TaskEntityContext
{
    private readonly List<OutgoingSignal> sent = [];
    private int accepted;

    public override EntityInstanceId Id => id;

    /// <summary>Signals of accepted operations.</summary>
    public IReadOnlyList<OutgoingSignal> Sent => sent;

    public override void SignalEntity(EntityInstanceId target, string operationName, object? input = null, SignalEntityOptions? options = null)
    {
        var json = input is null ? null : Json.Write(serializer, input);
        EntityLimits.Check(json, $"The signal {operationName} to {target}");
        sent.Add(new OutgoingSignal(target, operationName, json, options?.SignalTime));
    }

    public override string ScheduleNewOrchestration(TaskName name, object? input = null, StartOrchestrationOptions? options = null) =>
        throw new NotSupportedException($"{id} starts the orchestration {name.Name}; this host runs entities only.");

    public void Accept() => accepted = sent.Count;

    public void Reject() => sent.RemoveRange(accepted, sent.Count - accepted);
}

/// <summary>A signal on its way.</summary>
internal readonly record struct OutgoingSignal(EntityInstanceId Target, string Operation, string? Input, DateTimeOffset? Due);

/// <summary>The platform's limits (functions.md 4.5): state and input up to 1 MB each, ids up to 100 characters.</summary>
internal static class EntityLimits
{
    public const int MaxBytes = 1024 * 1024;

    /// <exception cref="EntityLimitException">The text is longer than the limit in UTF-8.</exception>
    public static void Check(string? json, string what)
    {
        if (json is null || json.Length <= MaxBytes / 3)
            return;
        var bytes = System.Text.Encoding.UTF8.GetByteCount(json);
        if (bytes > MaxBytes)
            throw new EntityLimitException($"{what} takes {bytes:N0} bytes; the limit is {MaxBytes:N0}: use smaller buckets or more shards.");
    }
}

/// <summary>A state or signal is larger than the platform allows.</summary>
internal sealed class EntityLimitException(string message) : Exception(message);

/// <summary>JSON by the worker's serializer, by run-time type as the real converter does.</summary>
internal static class Json
{
    public static string Write(ObjectSerializer serializer, object value) => serializer.Serialize(value, value.GetType(), default).ToString();

    public static object? Read(ObjectSerializer serializer, string? json, Type type)
    {
        if (json is null)
            return null;
        using var stream = new BinaryData(json).ToStream();
        return serializer.Deserialize(stream, type, default);
    }
}
