using System.Globalization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Tidemark.Domain.Ledger;
using Tidemark.Functions.ReferenceData;
using Tidemark.Functions.Sources;
using Tidemark.Functions.Triggers;
using Tidemark.LocalHost.Lake;
using Tidemark.LocalHost.Settings;

namespace Tidemark.LocalHost.Cli;

/// <summary>
/// What keeps a bounded run from ever beginning: a start that a topic does not have, reference data that cannot be read. The functions would ask again and again, which
/// suits a service whose topic or table may yet come; whoever gave <c>--once</c> is told and can change the setting.
/// </summary>
/// <param name="services">The functions' services.</param>
/// <param name="growing">Names of the topics that input of this run goes to.</param>
/// <param name="time">Clock.</param>
internal sealed class StartCheck(IServiceProvider services, IReadOnlyCollection<string> growing, TimeProvider time)
{
    /// <summary>Storage or brokers that do not answer within this are for the functions to wait for.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);
    private readonly List<(HostedSource Source, IReadOnlyDictionary<int, long> LogStarts)> _begun = [];

    /// <summary>Looks before anything runs. Offsets that input of this run may yet reach are left to <see cref="EndAsync"/>.</summary>
    /// <exception cref="SettingException">It can never begin.</exception>
    public Task BeginAsync(CancellationToken cancel) => TryAsync(async limited =>
    {
        var (tables, special) = (services.GetServices<ReferenceRefresher>().ToList(), Special().ToList());
        if (tables.Count + special.Count == 0)
            return;
        await services.GetRequiredService<Preparation>().EnsureAsync(limited);
        foreach (var table in tables)
            if (await table.CheckAsync(limited) is { } problem)
                throw new SettingException(problem);
        foreach (var source in special)
        {
            if (await source.Ledger.ReadMetaAsync(limited) is not null)
                continue;
            await ResolveAsync(source, growing.Contains(source.Name), limited);
            var starts = new Dictionary<int, long>();
            foreach (var partition in await source.Log.PartitionsAsync(limited))
                starts[partition] = (await source.Log.BoundsAsync(partition, limited)).Start;
            _begun.Add((source, starts));
        }
    }, cancel);

    /// <summary>Looks again when no more input comes, as long as nothing has begun.</summary>
    /// <exception cref="SettingException">It can never begin.</exception>
    public Task EndAsync(CancellationToken cancel) => LookAgainAsync(_ => true, cancel);

    private Task LookAgainAsync(Predicate<string> hasEnded, CancellationToken cancel) => TryAsync(async limited =>
    {
        foreach (var source in Special().Where(source => hasEnded(source.Name)))
            if (await source.Ledger.ReadMetaAsync(limited) is null)
                await ResolveAsync(source, isGrowing: false, limited);
    }, cancel);

    /// <summary>
    /// Produces, and looks as <see cref="EndAsync"/> does at topics whose producer is held back: it then waits for a reader, which may wait for more records.
    /// </summary>
    /// <param name="produce">Sends the input.</param>
    /// <param name="heldBack">Names of the topics whose producer waits now.</param>
    /// <param name="cancel">Cancellation.</param>
    /// <exception cref="SettingException">It can never begin.</exception>
    public async Task WatchAsync(Func<CancellationToken, Task> produce, Func<IReadOnlyList<string>> heldBack, CancellationToken cancel)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var (producing, looking) = (produce(either.Token), LookAsync(heldBack, either.Token));
        await Task.WhenAny(producing, looking);
        await either.CancelAsync();
        await Task.WhenAll(producing, looking).ContinueWith(_ => { }, TaskScheduler.Default);
        await (looking.IsFaulted ? looking : producing);
    }

    /// <summary>A sentence for each topic that began in this run behind records it has.</summary>
    public async Task<IReadOnlyList<string>> PassedOverAsync(CancellationToken cancel)
    {
        var sentences = new List<string>();
        foreach (var (source, logStarts) in _begun)
        {
            var starts = (await source.Ledger.ReadMetaAsync(cancel))?.Value.Starts ?? new Dictionary<int, long>();
            var passed = starts.Sum(start => Math.Max(0, start.Value - logStarts.GetValueOrDefault(start.Key)));
            if (passed > 0)
                sentences.Add(string.Create(CultureInfo.InvariantCulture,
                    $"{passed:N0} record{(passed == 1 ? " was" : "s were")} passed over in topic {source.Hosted.Id.Topic}, since {source.StartFrom.Setting} is {source.StartFrom}."));
        }

        return sentences;
    }

    private async Task LookAsync(Func<IReadOnlyList<string>> heldBack, CancellationToken cancel)
    {
        for (var before = heldBack(); ; before = heldBack())
        {
            await Task.Delay(LookEvery, time, cancel);
            // Those that wait still: what was sent before may have been on its way to the broker.
            await LookAgainAsync(new HashSet<string>(heldBack().Intersect(before)).Contains, cancel);
        }
    }

    /// <summary>Topics that do not begin at their first record, which every topic has.</summary>
    private IEnumerable<HostedSource> Special() =>
        services.GetRequiredService<HostedSources>().All.Where(source => source.Hosted.Kafka is not null && !source.StartFrom.Equals(StartFrom.Earliest));

    private async Task ResolveAsync(HostedSource source, bool isGrowing, CancellationToken cancel)
    {
        try
        {
            await source.StartFrom.ResolveAsync(source.Log, await source.Log.PartitionsAsync(cancel), time.GetUtcNow().ToUnixTimeMilliseconds(), cancel);
        }
        catch (StartException e) when (!isGrowing || !e.MayYetCome)
        {
            throw new SettingException(e.Message);
        }
        catch (StartException)
        {
            // Input of this run may reach the offset.
        }
    }

    /// <summary>Says at the start of any run what earlier runs on the same data made and this one does not.</summary>
    public static Task TellAsync(IConfiguration settings, Action<string> tell, TimeProvider time, CancellationToken cancel) => TryAsync(async limited =>
    {
        if (await EnrichedTable.NotContinuedAsync(settings, limited) is { } sentence)
            tell(sentence);
    }, time, cancel);

    /// <summary>Whatever cannot be asked now is asked by the functions, which wait for it.</summary>
    private Task TryAsync(Func<CancellationToken, Task> look, CancellationToken cancel) => TryAsync(look, time, cancel);

    private static async Task TryAsync(Func<CancellationToken, Task> look, TimeProvider time, CancellationToken cancel)
    {
        using var limit = new CancellationTokenSource(Patience, time);
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancel, limit.Token);
        try
        {
            await look(limited.Token);
        }
        catch (Exception e) when (e is Azure.RequestFailedException or AggregateException or Confluent.Kafka.KafkaException or TimeoutException || (e is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            // Away; the functions say so.
        }
    }
}
