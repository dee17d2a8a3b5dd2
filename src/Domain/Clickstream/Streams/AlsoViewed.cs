using System.Text.Json;
using Tidemark.Domain.Columns;
using Tidemark.Domain.KeyedState;
using Tidemark.Domain.Pipelines;
using Tidemark.Domain.Queries;
using Tidemark.Domain.Streams;

namespace Tidemark.Domain.Clickstream.Streams;

/// <summary>What else was viewed and bought in the sessions that viewed a product: the feed of a recommender.</summary>
internal static class AlsoViewed
{
    private static readonly RowSchema Pairs = new(
        [new("product_id", FieldType.String, false), new("other_id", FieldType.String, false), new("is_bought", FieldType.Boolean, false), new("seen_at", FieldType.Timestamp, false)]);

    public static EventStream Stream { get; } = new("also_viewed", "gold/" + UserSessions.Name, "session_end", TimeSpan.Zero,
        [new("sessions", Filter.All, ["viewed", "bought"])],
        [
            new MapStage("pairs", "sessions", Pairs, "seen_at", ToPairs),
            new KeyedStateStage("also", "pairs", ["product_id"], StateTimeout.None, new CountOthers()),
        ])
    {
        Summary = "For each product the products most viewed and most bought in the same sessions, 20 of each, brought up to date as sessions close.",
        Keys = ["product_id"],
        Results = StreamResults.Latest,
    };

    private static RowBatch ToPairs(RowBatch sessions)
    {
        var ends = (Int64Column)sessions["session_end"];
        var (viewed, bought) = (sessions["viewed"], sessions["bought"]);
        var rows = new RowsBuilder(Pairs);
        var (views, purchases) = (new StringTable(), new StringTable());
        for (var row = 0; row < sessions.Count; row++)
        {
            Read(viewed.Bytes(row), views);
            Read(bought.Bytes(row), purchases);
            for (var product = 0; product < views.Count; product++)
            {
                AddPairs(rows, views[product], views, false, ends.Values[row]);
                AddPairs(rows, views[product], purchases, true, ends.Values[row]);
            }
        }

        return rows.Build();
    }

    /// <summary>The texts of a JSON array; the products of a session are different ones.</summary>
    private static void Read(ReadOnlySpan<byte> json, StringTable into)
    {
        into.Clear();
        Span<byte> room = json.Length <= 1024 ? stackalloc byte[1024] : new byte[json.Length];
        var reader = new Utf8JsonReader(json);
        while (reader.Read())
            if (reader.TokenType == JsonTokenType.String)
                into.Intern(room[..reader.CopyString(room)], out _);
    }

    private static void AddPairs(RowsBuilder rows, ReadOnlySpan<byte> product, StringTable others, bool isBought, long seenAt)
    {
        for (var other = 0; other < others.Count; other++)
        {
            if (others[other].SequenceEqual(product))
                continue;
            ((Utf8ColumnBuilder)rows.Columns[0]).Append(product);
            ((Utf8ColumnBuilder)rows.Columns[1]).Append(others[other]);
            ((BooleanColumnBuilder)rows.Columns[2]).Append(isBought);
            rows.Time(3, seenAt);
        }
    }

    /// <summary>Sessions by other product.</summary>
    internal sealed record Others(OtherCounts Viewed, OtherCounts Bought);

    /// <summary>Counts the others of a product, at most 200 of a kind.</summary>
    private sealed class CountOthers : RowwiseFunction<Others>
    {
        private const int MostOthers = 200;
        private const int Shown = 20;

        public override RowSchema Output { get; } = new(
            [new("product_id", FieldType.String, false), new("also_viewed", FieldType.String, false), new("also_bought", FieldType.String, false), new("updated_at", FieldType.Timestamp, false)]);

        protected override Others OnRows(IKeyedCall call, Others? state, RowBatch batch, ReadOnlySpan<int> which)
        {
            state ??= new Others(new OtherCounts(), new OtherCounts());
            var (others, isBought, seen) = (batch["other_id"], (BooleanColumn)batch["is_bought"], (Int64Column)batch["seen_at"]);
            var newest = long.MinValue;
            foreach (var row in which)
            {
                (isBought.Values[row] ? state.Bought : state.Viewed).Add(others.Bytes(row), MostOthers);
                newest = Math.Max(newest, seen.Values[row]);
            }

            call.Emit(call.Key.Value(0, 0), state.Viewed.Top(Shown), state.Bought.Top(Shown), newest);
            return state;
        }

        protected override Others? OnTimeout(IKeyedCall call, Others state) => state;
    }
}
