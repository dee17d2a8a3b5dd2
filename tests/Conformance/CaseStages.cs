using System.Text.Json;
using Tidemark.Domain.Columns;
using Tidemark.Domain.KeyedState;
using Tidemark.Domain.Queries;
using Tidemark.Domain.Streams;

namespace Tidemark.Conformance;

/// <summary>Builds the stages of a case behind those that are there.</summary>
internal sealed class CaseStages(StreamDefinition before, CaseColumns columns)
{
    /// <summary>Columns of an input, table or stage.</summary>
    public static RowSchema SchemaOf(StreamDefinition stream, string name)
    {
        if (stream.Inputs.FirstOrDefault(i => i.Name == name) is { } input)
            return input.Schema;
        if (stream.Tables.TryGetValue(name, out var table))
            return table.Schema;
        var upTo = stream.Stages.ToList().FindIndex(s => s.Id == name);
        // Bounded, so that modes and watermarks are not judged here.
        return upTo < 0 ? new RowSchema([]) : new StreamExecution(stream with
        {
            Stages = [.. stream.Stages.Take(upTo + 1).Select(s => s is DeduplicateStage d ? d with { WithinWatermark = false } : s)],
            Bounded = true,
        }).Output;
    }

    /// <summary>The stage, behind others that it needs.</summary>
    public IEnumerable<Stage> Build(JsonElement stage)
    {
        string id = CaseFields.Text(stage, "id") ?? throw new NotSupportedCase($"stage {stage} without id"), from = CaseFields.Text(stage, "from") ?? "";
        var source = SchemaOf(before, from);
        string Name(string name) => CaseTypes.NameIn(source, name);
        string? Named(string field) => CaseFields.Text(stage, field) is { } name ? Name(name) : null;
        var window = new WindowDefinition(CaseFields.Seconds(stage, "size") ?? TimeSpan.Zero, CaseFields.Seconds(stage, "slide") ?? CaseFields.Seconds(stage, "size") ?? TimeSpan.Zero,
            CaseFields.Seconds(stage, "offset") ?? TimeSpan.Zero);
        var on = Named("on") ?? "";
        var gap = CaseFields.Seconds(stage, "gap");
        string[] keys = [.. CaseFields.Strings(stage, "keys").Select(Name)];
        switch (CaseFields.Text(stage, "op"))
        {
            case "window":
                AggregateDefinition[] counts = CaseAggregates.Of(stage, columns, Name);
                // A window without aggregates is its groups; here every window computes something.
                return [new WindowStage(id, from, on, window, keys, counts.Length == 0 ? [new AggregateDefinition("rows_of_group", AggregateFunction.Count, null)] : counts)];
            case "session":
                return [new SessionStage(id, from, on, gap, Named("gapColumn"), keys, CaseAggregates.Of(stage, columns, Name))];
            case "groupBy":
                return [new GroupStage(id, from, keys, CaseAggregates.Of(stage, columns, Name), Named("eventTimeKey"))];
            case "assignWindow":
                return [new AssignWindowStage(id, from, on, window)];
            case "assignSession":
                return [new AssignSessionStage(id, from, on, gap, Named("gapColumn"))];
            case "dedup":
                return [new DeduplicateStage(id, from, keys, Named("eventTimeKey"))];
            case "dedupWithinWatermark":
                return [new DeduplicateStage(id, from, keys, WithinWatermark: true)];
            case "join":
                return CaseJoins.Build(stage, id, before, columns);
            case "joinStatic":
                return [CaseJoins.WithTable(stage, id, from, before)];
            case "union":
                return Union(stage, id);
            case "orderBy":
                return [new OrderStage(id, from, [.. stage.GetProperty("by").EnumerateArray().Select(b => Order(b, Name))])];
            case "groupState":
                var timeout = CaseFields.Text(stage, "timeout") switch
                {
                    null or "none" => StateTimeout.None,
                    "processingTime" => StateTimeout.ProcessingTime,
                    "eventTime" => StateTimeout.EventTime,
                    var other => throw new NotSupportedCase($"timeout {other}"),
                };
                return [new KeyedStateStage(id, from, keys, timeout, CaseFunctions.Create(CaseFields.Text(stage, "fn")!, timeout, source, keys.FirstOrDefault()))];
            case "watermark":
                return [new WatermarkStage(id, from, on, TimeSpan.Zero)];
            default:
                throw new NotSupportedCase($"operator {CaseFields.Text(stage, "op")}");
        }
    }

    /// <summary>
    /// A union goes by position: stages whose columns stand in another order here are put into that of the format first, and numbers become texts where another
    /// member has texts.
    /// </summary>
    private List<Stage> Union(JsonElement stage, string id)
    {
        var of = CaseFields.Strings(stage, "of");
        var (stages, members) = (new List<Stage>(), new List<string>());
        var unlike = of.Select(m => before.Stages.FirstOrDefault(s => s.Id == m)?.GetType()).Distinct().Count() > 1;
        string[][] names = [.. of.Select(m => unlike ? InOrder(m) : [.. SchemaOf(before, m).Fields.Select(f => f.Name)])];
        var texts = Enumerable.Range(0, names.Max(n => n.Length)).Where(i => of.Zip(names).Any(m => FieldAt(m.First, m.Second, i)?.Type == FieldType.String)).ToHashSet();
        foreach (var (member, columnNames) in of.Zip(names))
        {
            var source = SchemaOf(before, member);
            var isText = columnNames.Select((n, i) => texts.Contains(i) && source.Fields[source.IndexOf(n)].Type is FieldType.Int64 or FieldType.Decimal).ToArray();
            if (isText.Any(t => t) || !columnNames.SequenceEqual(source.Fields.Select(f => f.Name)))
            {
                columns.IsMixed |= isText.Any(t => t);
                stages.Add(Map($"{id}_{member}", member, source, columnNames, isText));
                members.Add(stages[^1].Id);
            }
            else
                members.Add(member);
        }
        return [.. stages, new UnionStage(id, members)];
    }

    private RowField? FieldAt(string member, string[] names, int at) =>
        at < names.Length && SchemaOf(before, member) is var schema ? schema.Fields[schema.IndexOf(names[at])] : null;

    /// <summary>Columns of a window or session stage as the format orders them: keys, bounds, aggregates; those of others as they are.</summary>
    private string[] InOrder(string member)
    {
        var fields = SchemaOf(before, member).Fields.Select(f => f.Name).ToArray();
        string[]? keys = before.Stages.FirstOrDefault(s => s.Id == member) switch { WindowStage w => [.. w.Keys], SessionStage s => [.. s.Keys], _ => null };
        return keys is null ? fields : [.. keys, .. fields.Take(2), .. fields.Skip(2).Where(n => n is not ("window_time" or "session_time") && !keys.Contains(n))];
    }

    private static MapStage Map(string id, string member, RowSchema source, string[] names, bool[] isText)
    {
        var output = new RowSchema([.. names.Select((n, i) => isText[i] ? new RowField(n, FieldType.String) : source.Fields[source.IndexOf(n)])]);
        return new MapStage(id, member, output, null, rows => new RowBatch(output, [.. names.Select((n, i) => isText[i] ? Texts(rows, n) : rows[n])], rows.Count));
    }

    private static Column Texts(RowBatch rows, string name)
    {
        var builder = ColumnBuilder.For(new RowField(name, FieldType.String));
        for (var row = 0; row < rows.Count; row++)
            if (rows.Text(row, rows.Schema.IndexOf(name)) is { } text)
                ((BinaryColumnBuilder)builder).Append(System.Text.Encoding.UTF8.GetBytes(text));
            else
                builder.AppendNull();
        return builder.Build();
    }

    private static (string, bool) Order(JsonElement by, Func<string, string> name)
    {
        var (column, direction) = by.ValueKind switch
        {
            JsonValueKind.String => (by.GetString()!, "asc"),
            JsonValueKind.Array => (by[0].GetString()!, by.GetArrayLength() > 1 ? by[1].GetString()! : "asc"),
            _ => throw new NotSupportedCase($"order {by}"),
        };
        return (name(column), direction switch { "asc" => false, "desc" => true, _ => throw new NotSupportedCase($"order {direction}") });
    }
}
