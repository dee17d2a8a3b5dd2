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
        var rows = new RowsBuilder(Pairs);
        for (var row = 0; row < sessions.Count; row++)
        {
            var viewed = JsonSerializer.Deserialize<string[]>((string)sessions.Value(row, "viewed")!)!;
            var bought = JsonSerializer.Deserialize<string[]>((string)sessions.Value(row, "bought")!)!;
            foreach (var product in viewed)
            {
                foreach (var other in viewed.Where(other => other != product))
                    rows.Add(product, other, false, ends.Values[row]);
                foreach (var other in bought.Where(other => other != product))
                    rows.Add(product, other, true, ends.Values[row]);
            }
        }

        return rows.Build();
    }

    /// <summary>Sessions by other product.</summary>
    internal sealed record Others(SortedDictionary<string, long> Viewed, SortedDictionary<string, long> Bought);

    /// <summary>
    /// Counts the others of a product, at most 200 of a kind: a newcomer beyond that takes the place and the count of the least (space saving), so a count is
    /// too high by at most a 200th of all.
    /// </summary>
    private sealed class CountOthers : KeyedFunction<Others>
    {
        private const int MostOthers = 200;
        private const int Shown = 20;

        public override RowSchema Output { get; } = new(
            [new("product_id", FieldType.String, false), new("also_viewed", FieldType.String, false), new("also_bought", FieldType.String, false), new("updated_at", FieldType.Timestamp, false)]);

        protected override Others OnRows(IKeyedCall call, Others? state, RowBatch rows)
        {
            state ??= new Others(new(StringComparer.Ordinal), new(StringComparer.Ordinal));
            var isBought = (BooleanColumn)rows["is_bought"];
            var seen = (Int64Column)rows["seen_at"];
            var newest = long.MinValue;
            for (var row = 0; row < rows.Count; row++)
            {
                Count(isBought.Values[row] ? state.Bought : state.Viewed, (string)rows.Value(row, "other_id")!);
                newest = Math.Max(newest, seen.Values[row]);
            }

            call.Emit(call.Key.Value(0, 0), Top(state.Viewed), Top(state.Bought), newest);
            return state;
        }

        protected override Others? OnTimeout(IKeyedCall call, Others state) => state;

        private static void Count(SortedDictionary<string, long> counts, string other)
        {
            if (counts.TryGetValue(other, out var count))
            {
                counts[other] = count + 1;
                return;
            }

            var least = counts.Count < MostOthers ? default : counts.MinBy(c => c.Value);
            if (least.Key is not null)
                counts.Remove(least.Key);
            counts[other] = least.Value + 1;
        }

        private static string Top(SortedDictionary<string, long> counts) => JsonSerializer.Serialize(
            counts.OrderByDescending(c => c.Value).ThenBy(c => c.Key, StringComparer.Ordinal).Take(Shown).Select(c => new { product_id = c.Key, sessions = c.Value }));
    }
}
