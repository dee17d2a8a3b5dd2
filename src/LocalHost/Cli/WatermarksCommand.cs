using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Tidemark.Domain.Events;
using Tidemark.Domain.Lateness;
using Tidemark.LocalHost.Doctor;
using Tidemark.LocalHost.Lake;
using Tidemark.LocalHost.Settings;

namespace Tidemark.LocalHost.Cli;

/// <summary><c>watermarks</c>: how late events come, and what watermark delay suits each query.</summary>
internal static class WatermarksCommand
{
    public static Command Create(TextWriter output, TextWriter errors)
    {
        var data = RunCommand.DataOption();
        var events = new Option<int>("--events") { Description = "Measure about so many of the newest events", DefaultValueFactory = _ => LatenessReport.Newest, HelpName = "N" };
        var topic = TopicOption.Create();
        var json = new Option<bool>("--json") { Description = "One JSON object: events, lag percentiles, advice for each query" };
        var command = new Command("watermarks", "Measure how late events come, and suggest a watermark delay for each query; docs/doctor.md says how") { data, events, topic, json };
        command.SetAction(async (parsed, stop) =>
        {
            var newest = parsed.GetValue(events);
            if (newest < 1)
                throw new SettingException($"--events {newest} makes no sense; give a number above 0.");
            await DataServices.UseAsync(parsed.GetValue(data)!, needsTables: false, errors, async (settings, cancel) =>
            {
                var pipeline = (EventPipeline)TopicOption.Find(ConfiguredPipelines.Of(settings), parsed.GetValue(topic)!).Pipeline;
                var report = await LatenessReport.MeasureAsync(LakeReader.Of(settings), pipeline, newest, cancel);
                if (parsed.GetValue(json))
                    output.WriteLine(Json(report));
                else
                    Tell(report, pipeline, output);
            }, stop);
            return ExitCodes.Success;
        });
        return command;
    }

    private static void Tell(LatenessReport report, EventPipeline pipeline, TextWriter output)
    {
        if (report.Measured.Events == 0)
        {
            output.WriteLine($"No events were measured: {pipeline.EventTable} is empty, or holds one event for each partition.");
            return;
        }

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{report.Measured.Events:N0} events measured by how far they lie behind the newest of their partition before them."));
        output.WriteLine($"Lag: half {Span(report.Measured.QuantileMs(0.5))}, 90 % {Span(report.Measured.QuantileMs(0.9))}, 99 % {Span(report.Measured.QuantileMs(0.99))}, 99.9 % {Span(report.Measured.QuantileMs(0.999))}, all {Span(report.Measured.GreatestMs)}");
        output.WriteLine();
        output.WriteLine($"{"query",-24} {"delay",8} {"late",9} {"suggested",10} {"late then",10}  advice          rows in {pipeline.LateTable}");
        foreach (var advice in report.Advice)
        {
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{advice.Output,-24} {Span(advice.Delay.TotalMilliseconds),8} {Percent(advice.LateNow),9} {Span(advice.Suggested.TotalMilliseconds),10} {Percent(advice.LateThen),10}  {advice.Verdict,-15} {report.LateRows.GetValueOrDefault(advice.Output):N0}"));
        }
    }

    private static string Json(LatenessReport report) => JsonSerializer.Serialize(new
    {
        events = report.Measured.Events,
        lag_ms = new { p50 = report.Measured.QuantileMs(0.5), p90 = report.Measured.QuantileMs(0.9), p99 = report.Measured.QuantileMs(0.99), p999 = report.Measured.QuantileMs(0.999), max = report.Measured.GreatestMs },
        queries = report.Advice.Select(a => new
        {
            name = a.Output,
            delay_seconds = a.Delay.TotalSeconds,
            late_share = a.LateNow,
            suggested_seconds = a.Suggested.TotalSeconds,
            late_share_then = a.LateThen,
            advice = a.Verdict,
            late_rows = report.LateRows.GetValueOrDefault(a.Output),
        }),
    });

    /// <summary>A time in the unit that suits it.</summary>
    internal static string Span(double ms) => ms switch
    {
        < 1000 => string.Create(CultureInfo.InvariantCulture, $"{ms:0} ms"),
        < 120_000 => string.Create(CultureInfo.InvariantCulture, $"{ms / 1000:0.#} s"),
        < 7_200_000 => string.Create(CultureInfo.InvariantCulture, $"{ms / 60_000:0.#} min"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{ms / 3_600_000:0.#} h"),
    };

    private static string Percent(double share) => string.Create(CultureInfo.InvariantCulture, $"{share * 100:0.###} %");
}
