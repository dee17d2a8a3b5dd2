using System.Text.Json;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Entities;
using Tidemark.Domain.Ledger;
using Tidemark.Domain.Pipelines;
using Tidemark.Functions.Costs;
using Tidemark.Functions.Sources;

namespace Tidemark.Functions.Entities;

/// <summary>
/// The durable entity that holds the state of one span of window slices. It decides nothing itself: <see cref="EntityFold"/> does, by comparing what
/// the sender had read with what is here.
/// <para><b>Failure.</b> The platform drops a signal whose operation throws, with nothing but a log line. So no operation throws: whatever cannot
/// be used goes to the state's list of faults, and the next tick that reads it raises an alert.</para>
/// </summary>
public sealed class SliceEntity(HostedPipelines pipelines, CostCounters counters) : TaskEntity<SliceEntityState?>
{
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNameCaseInsensitive = true,
        RespectRequiredConstructorParameters = true,
        RespectNullableAnnotations = true,
    };

    /// <summary>The entity function.</summary>
    [Function(EntityNames.Function)]
    public static Task DispatchAsync([EntityTrigger] TaskEntityDispatcher dispatcher) => dispatcher.DispatchAsync<SliceEntity>();

    /// <summary>Merges, evicts and moves if both bases of the input (an <see cref="ApplyInput"/>) match; else nothing.</summary>
    public void Apply(JsonElement? input = null) => Decide("Apply", (hosted, key, current) =>
        EntityFold.Apply(hosted.Pipeline, key, current, Read<ApplyInput>(input)));

    /// <summary>Removes the state if its version is the input (a number); else nothing.</summary>
    public void Delete(JsonElement? input = null) => Decide("Delete", (_, _, current) =>
        EntityFold.Delete(current, Read<long>(input)));

    /// <summary>A new entity has no state until the first operation that gives it one.</summary>
    protected override SliceEntityState? InitializeState(TaskEntityOperation entityOperation) => null;

    private void Decide(string operation, Func<HostedPipeline, EntityKey, EntitySnapshot?, EntitySnapshot?> decision)
    {
        counters.Add(EntityKinds.Apply);
        var current = State?.ToSnapshot();
        try
        {
            var hosted = pipelines.Of(Context.Id);
            State = SliceEntityState.From(decision(hosted, EntityNames.Parse(hosted.Id, Context.Id), current));
        }
        catch (Exception e)
        {
            State = SliceEntityState.From(EntityFold.Faulted(current, $"{operation} on {Context.Id}, version {current?.Version ?? 0}, was refused: {e.GetType().Name}: {e.Message}"));
        }
    }

    private static T Read<T>(JsonElement? input) =>
        input is { ValueKind: not JsonValueKind.Null } json && json.Deserialize<T>(Json) is { } value
            ? value
            : throw new InvalidDataException($"the operation came without its {typeof(T).Name}.");
}
