using Tidemark.Functions.Http;
using Tidemark.Functions.Status;
using static Tidemark.Functions.Api.Accepts;

namespace Tidemark.Functions.Api;

/// <summary>All HTTP functions: what they take and give.</summary>
internal static class Endpoints
{
    public static readonly Endpoint Queries = new(nameof(Queries), "Every query and stream: what it computes, its columns and keys, where its rows are.", [], [Fine(Shapes.ListOf<OutputCard>()), Bad]);

    public static readonly Endpoint QueryRows = new(
        nameof(QueryRows), "Rows of a query or stream, newest first, in pages.",
        [Parameters.Name, Parameters.From, Parameters.To, Parameters.Key, Parameters.Limit, Parameters.Format, Parameters.Source, Parameters.Continuation],
        [new(200, "A page of rows. The header `Link` has the next one, if there is one; `continuation` is in the header `Tidemark-Continuation` too.", (Json, Shapes.Rows), (Csv, Shapes.Text)), Bad, Missing, NotAcceptable]);

    public static readonly Endpoint Sessions = new(
        nameof(Sessions), "Closed sessions of a user, newest first, in pages; and the open one if asked for.",
        [Parameters.User, Parameters.From, Parameters.To, Parameters.Limit, Parameters.Open, Parameters.Continuation], [Fine(SessionsAnswer.Schema), Bad, Missing]);

    public static readonly Endpoint Alerts = new(
        nameof(Alerts), "Alerts of the pipeline and of the shop, newest first.", [Parameters.Severity, Parameters.Since, Parameters.Kind, Parameters.Limit], [Fine(Shapes.Of<AlertsAnswer>()), Bad]);

    public static readonly Endpoint Also = new(
        nameof(Also), "What else was viewed and bought in sessions that viewed a product.", [Parameters.Product], [Fine(Shapes.Of<AlsoAnswer>()), Bad, Missing]);

    public static readonly Endpoint Recommendations = new(
        nameof(Recommendations), "Products for a user: most viewed and bought with what the user viewed lately, without what the user bought, filled up with what all view now.",
        [Parameters.User, Parameters.Best], [Fine(Shapes.Of<RecommendationsAnswer>()), Bad, Missing]);

    public static readonly Endpoint Fraud = new(
        nameof(Fraud), "Whether a payment of a user should go through: allow, review or block, and why.",
        [Parameters.User, Parameters.Within, Parameters.Amount, Parameters.Country], [Fine(Shapes.Of<FraudAnswer>()), Bad, Missing]);

    public static readonly Endpoint Overview = new(
        nameof(Overview), "Status, series and all queries with their newest rows as arrays; what the page shows.", [],
        [Fine(Shapes.Object(("status", Shapes.Of<StatusReport>()), ("view", Shapes.Of<OperatorView>()), ("queries", Shapes.ListOf<OverviewCard>())))]);

    public static readonly Endpoint StatusOf = new("Status", "State, rates, lag, partitions, counts, latency, gaps, alerts, costs.", [], [Fine(Shapes.Of<StatusReport>())]);

    public static readonly Endpoint Health = new(
        nameof(Health), "Whether ticks succeed; needs no key.", [], [Fine(Shapes.Of<HealthBody>()), new(503, "Ticks fail, or none has been for two minutes.", (Json, Shapes.Of<HealthBody>()))]);

    public static readonly Endpoint Progress = new(nameof(Progress), "Progress of each query in the last tick, in Spark's fields.", [], [Fine(Shapes.ListOf<QueryProgress>(QueryProgress.Json))]);

    public static readonly Endpoint Entities = new(nameof(Entities), "Durable entities in memory.", [], [Fine(Shapes.Any)]);

    public static readonly Endpoint Partitions = new(nameof(Partitions), "Partitions with their offsets, and the newest open ranges.", [], [Fine(Shapes.Any)]);

    public static readonly Endpoint Tables = new(nameof(Tables), "Delta tables with version, files, rows and bytes.", [], [Fine(Shapes.ListOf<TableCard>()), Bad]);

    public static readonly Endpoint Table = new(
        nameof(Table), "A Delta table with its newest versions and files.", [Parameters.Layer, Parameters.Table],
        [Fine(Shapes.Object(("table", Shapes.Of<TableCard>()), ("columns", Shapes.ListOf<ColumnCard>()), ("history", Shapes.ListOf<VersionCard>()), ("files", Shapes.ListOf<FileCard>()))), Bad, Missing]);

    public static readonly Endpoint Timeline = new(
        nameof(Timeline), "The newest events of a user or a session, of every topic, at most 500, from the newest 64 files of each.", [Parameters.OfUser, Parameters.OfSession], [Fine(Shapes.Any), Bad]);

    public static readonly Endpoint Quarantine = new(nameof(Quarantine), "The newest 300 records that are no valid events, and what became of their replay.", [Parameters.Topic], [Fine(Shapes.Any), Bad, Missing]);

    public static readonly Endpoint Replay = new(
        nameof(Replay), "Sends quarantined records to the topic again.", [], [Fine(Shapes.Any), Bad, Missing, new(413, "The body is too large.", (ProblemJson, Shapes.Of<ProblemBody>(ProblemBody.Json)))])
    {
        Body = QuarantineFunction.BodySchema,
    };

    public static readonly Endpoint Drain = new(
        nameof(Drain), "Says that a bounded input has ended; needs the master key.", [Parameters.KeepOpen],
        [new(202, "Noted.", (Json, Shapes.Any)), Bad, new(409, "The pipeline has not started yet.", (ProblemJson, Shapes.Of<ProblemBody>(ProblemBody.Json)))]);

    public static readonly Endpoint OpenApi = new(nameof(OpenApi), "This document.", [], [Fine(Shapes.Any), Bad]);

    /// <summary>All of them.</summary>
    public static IReadOnlyList<Endpoint> All { get; } =
    [
        Queries, QueryRows, Sessions, Alerts, Also, Recommendations, Fraud, Overview, StatusOf, Health, Progress, Entities, Partitions, Tables, Table, Timeline, Quarantine,
        Replay, Drain, OpenApi,
    ];

    private static Answer Bad => new(400, "A parameter is wrong; `detail` says which and what it should be.", (ProblemJson, Shapes.Of<ProblemBody>(ProblemBody.Json)));

    private static Answer Missing => new(404, "There is nothing of that name.", (ProblemJson, Shapes.Of<ProblemBody>(ProblemBody.Json)));

    private static Answer NotAcceptable => new(406, "The header `Accept` takes neither JSON nor CSV.", (ProblemJson, Shapes.Of<ProblemBody>(ProblemBody.Json)));

    private static Answer Fine(Schema schema) => new(200, "As described.", (Json, schema));
}
