using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Extensions.Logging;
using static Tidemark.LocalHost.Kafka.Native.Librdkafka;

namespace Tidemark.LocalHost.Kafka.Native;

/// <summary>Builds a native client from name = value settings, as listed in librdkafka's CONFIGURATION.md.</summary>
internal static unsafe class ClientConfiguration
{
    private const int ErrorSize = 512;

    /// <summary>A configuration that the caller completes with callbacks and gives to <see cref="Create"/>.</summary>
    /// <exception cref="KafkaClientException">A setting is unknown or has a bad value; the message names it.</exception>
    public static nint Build(IEnumerable<KeyValuePair<string, string>> settings)
    {
        Tidemark.Native.NativeKafka.Load();
        var conf = rd_kafka_conf_new();
        var error = stackalloc byte[ErrorSize];
        foreach (var (name, value) in settings)
        {
            if (rd_kafka_conf_set(conf, name, value, error, ErrorSize) == 0)
                continue;
            rd_kafka_conf_destroy(conf);
            throw new KafkaClientException($"The Kafka client refuses the setting {name}: {Text(error)}");
        }

        rd_kafka_conf_set_log_cb(conf, &Log);
        return conf;
    }

    /// <summary>Creates the client; the configuration belongs to it afterwards.</summary>
    public static nint Create(int type, nint conf)
    {
        var error = stackalloc byte[ErrorSize];
        var client = rd_kafka_new(type, conf, error, ErrorSize);
        if (client != 0)
            return client;
        rd_kafka_conf_destroy(conf);
        throw new KafkaClientException($"The Kafka client cannot start: {Text(error)}");
    }

    public static string Text(byte* text) => Marshal.PtrToStringUTF8((nint)text) ?? "";

    [UnmanagedCallersOnly(CallConvs = [typeof(System.Runtime.CompilerServices.CallConvCdecl)])]
    private static void Log(nint rk, int level, byte* facility, byte* text)
    {
        var opaque = rd_kafka_opaque(rk);
        if (opaque == 0 || GCHandle.FromIntPtr(opaque).Target is not IClientLog log)
            return;
        // Syslog levels: 3 and below are errors, 4 a warning. The client reports lost connections here again and again; the
        // owner hears of them once through the error callback, so they stay at debug level.
        var message = new StringBuilder(Text(facility)).Append(": ").Append(Text(text)).ToString();
        log.Write(level <= 2 ? LogLevel.Error : LogLevel.Debug, message);
    }
}

/// <summary>Where a native client's own log lines go.</summary>
internal interface IClientLog
{
    void Write(LogLevel level, string message);
}

/// <summary>A Kafka client could not be made or has failed for good.</summary>
internal sealed class KafkaClientException(string message) : Exception(message);
