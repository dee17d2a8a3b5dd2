using Azure.Core.Serialization;

namespace Microsoft.Azure.Functions.Worker;

public class WorkerOptions
{
    /// <summary>Serialises entity state and inputs. By default System.Text.Json with the configured JsonSerializerOptions.</summary>
    public ObjectSerializer? Serializer { get; set; }
}
