using Tidemark.Domain.Columns;
using Tidemark.Domain.Events;
using Tidemark.Domain.Streams;

namespace Tidemark.Domain.Scoring;

/// <summary>Scores as columns of a stream.</summary>
public static class Scores
{
    private const int LongestError = 200;

    private static readonly RowField[] Added =
        [new("model", FieldType.String), new("model_score", FieldType.Double), new("model_error", FieldType.String)];

    /// <summary>Columns of a purchase, as a scorer sees it and in this order.</summary>
    public static IReadOnlyList<string> PurchaseColumns { get; } =
        ["event_time", "event_id", "user_id", "session_id", "product_id", "product_name", "category", "price", "quantity", "revenue", "device_type", "country", "page"];

    /// <summary>The same with their types.</summary>
    public static RowSchema Purchases { get; } = new([.. PurchaseColumns.Select(name => EventTables.Silver.Schema.Fields[EventTables.Silver.Schema.IndexOf(name)])]);

    /// <summary>These columns and those of a score: <c>model</c> (name/version), <c>model_score</c> and <c>model_error</c>; all null without a scorer.</summary>
    public static RowSchema With(RowSchema schema) => new([.. schema.Fields, .. Added]);

    /// <summary>
    /// A stage that adds the scorer's columns to the rows of another. The scorer is not part of a stream's definition: a new version goes on with the states
    /// that there are, and each row says which version judged it.
    /// </summary>
    /// <param name="id">Name of the stage.</param>
    /// <param name="source">The input or stage that it reads.</param>
    /// <param name="rows">Columns of that.</param>
    /// <param name="scorer">The model; null = the columns are null.</param>
    /// <param name="eventTime">Column of the event time, for stages behind; null = none.</param>
    public static MapStage Stage(string id, string source, RowSchema rows, IScorer? scorer, string? eventTime = null) =>
        new(id, source, With(rows), eventTime, batch => Apply(scorer, batch));

    /// <summary>The rows with the scorer's columns.</summary>
    public static RowBatch Apply(IScorer? scorer, RowBatch rows)
    {
        var added = new RowsBuilder(new RowSchema(Added), rows.Count);
        if (scorer is null || rows.Count == 0)
        {
            for (var row = 0; row < rows.Count; row++)
                added.Nulls(0, Added.Length);
        }
        else
        {
            var model = $"{scorer.Name}/{scorer.Version}";
            var all = Try(scorer, rows);
            for (var row = 0; row < rows.Count; row++)
            {
                // Where the batch fails, or one score is no number, the row is asked for alone: what is wrong with it must not reach its neighbours.
                var (score, error) = all.Error is null ? Of(all.Scores!, row) : One(scorer, rows, row);
                added.Add(model, score, error);
            }
        }

        return new RowBatch(With(rows.Schema), [.. rows.Columns, .. added.Build().Columns], rows.Count);
    }

    private static (double? Score, string? Error) One(IScorer scorer, RowBatch rows, int row)
    {
        var (scores, error) = Try(scorer, RowBatches.Take(rows, [row]));
        return error is null ? Of(scores!, 0) : (null, error);
    }

    private static (DoubleColumn? Scores, string? Error) Try(IScorer scorer, RowBatch rows)
    {
        try
        {
            var scores = scorer.Score(rows);
            return scores.Count == rows.Count ? (scores, null) : (null, $"{scores.Count} scores for {rows.Count} rows");
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // A model is foreign code and may throw anything; the row says what it was.
            var text = $"{e.GetType().Name}: {e.Message.Split('\n')[0].TrimEnd('\r')}";
            return (null, text.Length <= LongestError ? text : text[..LongestError]);
        }
    }

    private static (double? Score, string? Error) Of(DoubleColumn scores, int row) => scores.IsNull(row) ? (null, null)
        : double.IsFinite(scores.Values[row]) ? (scores.Values[row], null)
        : (null, "the score is not a finite number");
}
