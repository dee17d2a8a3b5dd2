using Azure.Core;
using Azure.Data.Tables;
using Azure.Storage.Blobs;
using Tidemark.Delta;
using Tidemark.Domain.Ledger;
using Tidemark.Functions.Costs;
using Tidemark.Functions.Lake;
using Tidemark.Functions.Tables;
using Tidemark.Functions.Tests.Azure;
using Tidemark.Functions.Tests.Lake;

namespace Tidemark.Functions.Tests.Tables;

/// <summary>The clients repeat a request whose answer was lost. What that looks like is part of each store's contract.</summary>
[Collection(AzuriteCollection.Name)]
public sealed class LostAnswerTests(Azurite azurite)
{
    [Fact]
    public async Task A_commit_whose_answer_is_lost_reads_as_not_made_and_a_reread_shows_it_once()
    {
        var lost = new LostAnswers();
        var options = new TableClientOptions();
        options.AddPolicy(lost, HttpPipelinePosition.PerRetry);
        var table = await azurite.NewTableAsync();
        var ledger = new TableLedger(new PipelineId("v1", "events", 1), new TableServiceClient(azurite.ConnectionString, options).GetTableClient(table.Name));
        lost.LoseNext();
        Assert.Null(await ledger.TryInsertHeadAsync(0, new Head(0, null, null, 0), default));
        var head = (await ledger.ReadHeadAsync(0, default))!.Value;

        lost.LoseNext();
        var range = new RangeRow
        {
            Partition = 0, From = 0, To = 5, Tag = null, KafkaTimeMs = 0, Inline = [1],
            Rows = new Dictionary<string, int>(), Entities = [], Counts = new Dictionary<string, long>(),
        };
        Assert.Null(await ledger.TryCommitAsync(new Head(5, null, null, 0), head.ETag, range, [], default));

        var view = await ledger.ReadPartitionAsync(0, 0, default);
        Assert.Equal(5, view.Head!.Value.Value.Next);
        Assert.Equal((0, 5), (Assert.Single(view.Ranges).From, view.Ranges[0].To));
    }

    [Fact]
    public async Task A_Delta_commit_whose_answer_is_lost_is_recognised_as_made()
    {
        var lost = new LostAnswers();
        var options = new BlobClientOptions();
        options.AddPolicy(lost, HttpPipelinePosition.PerRetry);
        var container = new BlobServiceClient(azurite.ConnectionString, options).GetBlobContainerClient(azurite.NewContainer().Name);
        var lake = new DeltaLake(new LakeTables(new BlobObjectStore(container), [new SamplePipeline()], TimeProvider.System), new CostCounters(), TimeProvider.System);
        Assert.Equal(-1, (await lake.ReadHeadAsync("gold/sample", default)).Version);
        Assert.True((await lake.AppendAsync("gold/sample", [new("app", null, 1)], [], [], default)).Committed);

        // The only put of a commit without files is the commit itself; requests before it are reads.
        var losing = new LosePut(lost);
        var store = new DeltaLake(new LakeTables(losing.Around(new BlobObjectStore(container)), [new SamplePipeline()], TimeProvider.System), new CostCounters(), TimeProvider.System);
        var outcome = await store.AppendAsync("gold/sample", [new("app", 1, 2)], [], [], default);

        Assert.Equal((true, 1L), (outcome.Committed, outcome.Version));
        Assert.Equal(1, losing.Puts);
        Assert.Equal(2, (await lake.ReadHeadAsync("gold/sample", default)).Positions["app"]);
    }

    /// <summary>Loses the answer to each put-if-absent.</summary>
    private sealed class LosePut(LostAnswers lost)
    {
        public int Puts { get; private set; }

        public IObjectStore Around(IObjectStore inner) => new Store(this, inner);

        private sealed class Store(LosePut owner, IObjectStore inner) : IObjectStore
        {
            public ValueTask<bool> PutIfAbsentAsync(string path, ReadOnlyMemory<byte> content, CancellationToken ct)
            {
                owner.Puts++;
                owner.Lose();
                return inner.PutIfAbsentAsync(path, content, ct);
            }

            public IObjectWriter OpenWrite(string path) => inner.OpenWrite(path);

            public ValueTask PutAsync(string path, ReadOnlyMemory<byte> content, CancellationToken ct) => inner.PutAsync(path, content, ct);

            public ValueTask<bool> PutIfMatchAsync(string path, ReadOnlyMemory<byte> content, string etag, CancellationToken ct) => inner.PutIfMatchAsync(path, content, etag, ct);

            public ValueTask<ReadOnlyMemory<byte>?> GetAsync(string path, CancellationToken ct) => inner.GetAsync(path, ct);

            public ValueTask<ReadOnlyMemory<byte>?> GetRangeAsync(string path, long offset, int length, CancellationToken ct) => inner.GetRangeAsync(path, offset, length, ct);

            public ValueTask<ObjectInfo?> HeadAsync(string path, CancellationToken ct) => inner.HeadAsync(path, ct);

            public IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, string? startAfter, CancellationToken ct) => inner.ListAsync(prefix, startAfter, ct);

            public ValueTask DeleteAsync(string path, CancellationToken ct) => inner.DeleteAsync(path, ct);
        }

        private void Lose() => lost.LoseNext();
    }
}
