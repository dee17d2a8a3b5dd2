using Azure.Core;
using Azure.Core.Pipeline;

namespace Tidemark.Functions.Costs;

/// <summary>Counts each attempt of a request to Table or Blob storage by its kind; sits behind the retries, so repeats count too.</summary>
internal sealed class CountingPolicy(CostCounters counters, Func<Request, string> kindOf) : HttpPipelineSynchronousPolicy
{
    public override void OnSendingRequest(HttpMessage message) => counters.Add(kindOf(message.Request));

    /// <summary>Kind of a Table storage request.</summary>
    public static string TableKind(Request request) =>
        request.Method == RequestMethod.Get || request.Method == RequestMethod.Head ? StorageKinds.TableRead
        : request.Uri.Path.EndsWith("$batch", StringComparison.Ordinal) || request.Uri.Path.EndsWith("%24batch", StringComparison.Ordinal) ? StorageKinds.TableTransaction
        : StorageKinds.TableWrite;

    /// <summary>Kind of a Blob storage request.</summary>
    public static string BlobKind(Request request) =>
        request.Method == RequestMethod.Delete ? StorageKinds.BlobDelete
        : request.Method == RequestMethod.Put || request.Method == RequestMethod.Post ? StorageKinds.BlobPut
        : request.Uri.Query.Contains("comp=list", StringComparison.Ordinal) ? StorageKinds.BlobList
        : StorageKinds.BlobGet;
}
