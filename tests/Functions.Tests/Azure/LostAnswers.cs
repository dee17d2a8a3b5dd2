using Azure.Core;
using Azure.Core.Pipeline;

namespace Tidemark.Functions.Tests.Azure;

/// <summary>Lets a request through and loses its answer, as a cut connection does; the client then repeats it.</summary>
internal sealed class LostAnswers : HttpPipelinePolicy
{
    private int _left;

    /// <summary>Loses the next answer.</summary>
    public void LoseNext() => _left = 1;

    public override async ValueTask ProcessAsync(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline)
    {
        await ProcessNextAsync(message, pipeline);
        if (Interlocked.Exchange(ref _left, 0) > 0)
            throw new IOException("The connection was cut after the request had been carried out.");
    }

    public override void Process(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline) => throw new NotSupportedException("Only asynchronous calls are used.");
}
