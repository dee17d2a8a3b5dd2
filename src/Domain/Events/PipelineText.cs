using System.Globalization;
using System.Text;
using Tidemark.Domain.Columns;
using Tidemark.Domain.Pipelines;
using Tidemark.Domain.Queries;
using Tidemark.Domain.Streams;

namespace Tidemark.Domain.Events;

/// <summary>A pipeline as text: what it reads, the tables it fills, and every query. Equal pipelines have equal text, so it serves as a contract.</summary>
internal static class PipelineText
{
    public static string Describe(EventOptions options, IReadOnlyList<TableSpec> tables, IReadOnlyList<(QueryDefinition Definition, QuerySpec Spec)> queries,
        IReadOnlyList<EventStreamPlan> streams)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"topic {options.Topic}\n");
        text.Append(CultureInfo.InvariantCulture, $"  event times from {options.EarliestEventTime:yyyy-MM-dd} to {options.MaxFutureSkew:c} beyond the Kafka time\n");
        if (options.DeduplicateWithin > TimeSpan.Zero)
            text.Append(CultureInfo.InvariantCulture, $"  duplicates by event_id within {options.DeduplicateWithin:c} of event time, per partition\n");
        text.Append(CultureInfo.InvariantCulture, $"  values up to {options.MaxValueBytes} bytes and {options.MaxDepth} levels\n");
        foreach (var table in tables)
        {
            text.Append(CultureInfo.InvariantCulture, $"table {table.Name}{(table.PartitionColumns.Count > 0 ? $" by {string.Join(", ", table.PartitionColumns)}" : "")}\n");
            Fields(text, table.Schema);
        }
        foreach (var (definition, spec) in queries)
        {
            text.Append(CultureInfo.InvariantCulture, $"query {definition.Name}\n");
            text.Append(CultureInfo.InvariantCulture, $"  from {tables[1].Name} where {definition.Where}\n");
            text.Append(CultureInfo.InvariantCulture, $"  window {definition.Window}, watermark delay {definition.Delay:c}, {definition.Mode.ToString().ToLowerInvariant()} mode{Held(definition)}\n");
            if (definition.Trigger is { } trigger)
                text.Append(CultureInfo.InvariantCulture, $"  trigger every {trigger:c}\n");
            text.Append(CultureInfo.InvariantCulture, $"  state in bundle {spec.Bundle}\n");
            foreach (var aggregate in definition.Aggregates)
                text.Append(CultureInfo.InvariantCulture, $"  {aggregate}\n");
            foreach (var ratio in definition.Ratios)
                text.Append(CultureInfo.InvariantCulture, $"  {ratio}\n");
            if (definition.Having is not AllOf { Parts.Count: 0 })
                text.Append(CultureInfo.InvariantCulture, $"  having {definition.Having}\n");
            if (definition.Top is not null)
                text.Append(CultureInfo.InvariantCulture, $"  {definition.Top}\n");
            text.Append(CultureInfo.InvariantCulture, $"  into gold/{definition.Name}{(definition.InTableStorage ? "" : " only")}\n");
            Fields(text, spec.Schema);
        }
        foreach (var stream in streams)
            text.Append(StreamText.Describe(stream.Stream, stream.Spec));
        return text.ToString();
    }

    private static string Held(QueryDefinition definition) =>
        definition.Mode == OutputMode.Complete ? $", windows held {definition.Retention:c} longer" : "";

    internal static void Fields(StringBuilder text, RowSchema schema)
    {
        foreach (var field in schema.Fields)
        {
            var type = field.Type == FieldType.Decimal
                ? string.Create(CultureInfo.InvariantCulture, $"decimal({field.Precision},{field.Scale})")
                : field.Type.ToString().ToLowerInvariant();
            text.Append(CultureInfo.InvariantCulture, $"    {field.Name} {type}{(field.Nullable ? "" : " not null")}\n");
        }
    }
}
