using System.Numerics;

namespace Tidemark.Functions.Status;

/// <summary>
/// How long things took, in buckets whose width is an eighth of a power of two: a quantile is at most 12.5 % too high. Not thread-safe.
/// </summary>
internal sealed class LatencyHistogram
{
    private const int Steps = 8;
    private readonly long[] _buckets = new long[64 * Steps];

    /// <summary>Number of samples.</summary>
    public long Samples { get; private set; }

    /// <summary>Adds a sample in ms; negative ones (clocks that differ) count as 0.</summary>
    public void Add(long milliseconds)
    {
        _buckets[Bucket(Math.Max(milliseconds, 0))]++;
        Samples++;
    }

    /// <summary>Upper bound (ms) of the bucket that holds the quantile; null without samples.</summary>
    public long? Quantile(double quantile)
    {
        if (Samples == 0)
            return null;
        var wanted = Math.Max(1, (long)Math.Ceiling(quantile * Samples));
        var seen = 0L;
        for (var bucket = 0; ; bucket++)
        {
            seen += _buckets[bucket];
            if (seen >= wanted)
                return UpperBound(bucket);
        }
    }

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        Array.Clear(_buckets);
        Samples = 0;
    }

    /// <summary>Adds another's samples.</summary>
    public void Add(LatencyHistogram other)
    {
        for (var i = 0; i < _buckets.Length; i++)
            _buckets[i] += other._buckets[i];
        Samples += other.Samples;
    }

    private static int Bucket(long value)
    {
        if (value < Steps)
            return (int)value;
        var power = BitOperations.Log2((ulong)value);
        return (power - 2) * Steps + (int)(value >> (power - 3)) - Steps;
    }

    private static long UpperBound(int bucket)
    {
        if (bucket < Steps)
            return bucket;
        var power = bucket / Steps + 2;
        return ((long)(bucket % Steps) + Steps + 1 << (power - 3)) - 1;
    }
}
