using System.Reflection;
using System.Runtime.InteropServices;

namespace Tidemark.Native;

/// <summary>
/// Where Confluent.Kafka finds its native library: Debian's librdkafka1. The package's own loader looks for <c>libdl</c> and
/// <c>librdkafka</c> without a version suffix, which only development packages install; a resolver gives the names that exist.
/// </summary>
internal static class NativeKafka
{
    /// <summary>Name or path for a DllImport of librdkafka's own functions, such as the mock cluster.</summary>
    public const string Library = "librdkafka.so.1";

    private static readonly Lazy<bool> Loaded = new(Resolve);

    /// <summary>Call once before the first client is made. Any number of calls from any thread is fine.</summary>
    /// <exception cref="DllNotFoundException">The library is not installed.</exception>
    public static void Load() => _ = Loaded.Value;

    private static bool Resolve()
    {
        if (!NativeLibrary.TryLoad(Library, out _))
            throw new DllNotFoundException($"{Library} is not installed; run eng/setup.sh as root, or apt-get install librdkafka1.");
        try
        {
            NativeLibrary.SetDllImportResolver(typeof(Confluent.Kafka.Library).Assembly, Find);
        }
        catch (InvalidOperationException)
        {
            return true; // Another copy of this file in the process has set the resolver.
        }

        return Confluent.Kafka.Library.IsLoaded || Confluent.Kafka.Library.Load(PathOfLoaded() ?? Library);
    }

    private static IntPtr Find(string name, Assembly assembly, DllImportSearchPath? search) => name switch
    {
        "libdl" or "libdl.so" => NativeLibrary.Load("libdl.so.2"),
        _ when name.Contains("rdkafka", StringComparison.Ordinal) => NativeLibrary.Load(Library),
        _ => IntPtr.Zero,
    };

    // Confluent.Kafka tests whether the file exists before it loads it, so it wants a path, not a name.
    private static string? PathOfLoaded()
    {
        foreach (var line in File.ReadLines("/proc/self/maps"))
        {
            var slash = line.IndexOf('/', StringComparison.Ordinal);
            if (slash > 0 && line.Contains("librdkafka.so", StringComparison.Ordinal))
                return line[slash..];
        }

        return null;
    }
}
