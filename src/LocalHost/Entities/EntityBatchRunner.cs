using Azure.Core.Serialization;
using Microsoft.DurableTask.Entities;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Tidemark.LocalHost.Entities;

/// <summary>
/// Runs operations of one entity in order on one instance. An operation that throws is rolled back alone, state and signals, and its signal is lost
/// with a line in the log, as on the real platform.
/// </summary>
internal sealed class EntityBatchRunner(IReadOnlyDictionary<string, Type> kinds, IServiceProvider services, ObjectSerializer serializer, ILogger logger)
{
    public async Task<EntityOutcome> RunAsync(EntityInstanceId id, string? state, IReadOnlyList<Signal> batch)
    {
        var outcome = new EntityOutcome(state, []);
        if (!kinds.TryGetValue(id.Name, out var type))
        {
            logger.LogError("{Count} signals to {Entity} are lost: no function has an entity trigger named {Name}", batch.Count, id, id.Name);
            return outcome;
        }

        var entityState = new EntityState(id, state, serializer);
        var context = new EntityContext(id, serializer);
        await using var scope = services.CreateAsyncScope();
        ITaskEntity entity;
        try
        {
            entity = (ITaskEntity)ActivatorUtilities.GetServiceOrCreateInstance(scope.ServiceProvider, type);
        }
        catch (Exception e)
        {
            logger.LogError(e, "{Count} signals to {Entity} are lost: {Type} could not be made: {Message}", batch.Count, id, type.Name, e.Message);
            return outcome;
        }

        foreach (var signal in batch)
        {
            try
            {
                await entity.RunAsync(new EntityOperation(signal.Operation, signal.Input, context, entityState, serializer));
                entityState.Accept();
                context.Accept();
            }
            catch (Exception e)
            {
                entityState.Reject();
                context.Reject();
                logger.LogError(e, "Entity {Entity}: the operation {Operation} failed and its signal is lost: {Message}", id, signal.Operation, e.Message);
            }
        }

        return new EntityOutcome(entityState.Accepted, context.Sent);
    }
}

/// <summary>What a batch leaves behind: state as JSON (null = none) and signals to send.</summary>
internal readonly record struct EntityOutcome(string? State, IReadOnlyList<OutgoingSignal> Sent);
