namespace Tidemark.Native;

/// <summary>Where Confluent.Kafka finds its native library: librdkafka.redist comes with the package, so there is nothing to do.</summary>
internal static class NativeKafka
{
    /// <summary>Name or path for a DllImport of librdkafka's own functions, such as the mock cluster.</summary>
    public const string Library = "librdkafka";

    /// <summary>Call once before the first client is made. Any number of calls from any thread is fine.</summary>
    public static void Load()
    {
    }
}
