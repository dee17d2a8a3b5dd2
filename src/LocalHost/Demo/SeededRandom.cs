using System.Numerics;

namespace Tidemark.LocalHost.Demo;

/// <summary>
/// Random numbers that depend on the seed alone, whatever the runtime's version: xoshiro256** (Blackman and Vigna), seeded by SplitMix64.
/// Not thread-safe.
/// </summary>
internal sealed class SeededRandom
{
    private ulong _a, _b, _c, _d;

    public SeededRandom(long seed)
    {
        var state = (ulong)seed;
        (_a, _b, _c, _d) = (Split(ref state), Split(ref state), Split(ref state), Split(ref state));
    }

    public ulong Next()
    {
        var result = BitOperations.RotateLeft(_b * 5, 7) * 9;
        var shifted = _b << 17;
        _c ^= _a;
        _d ^= _b;
        _b ^= _c;
        _a ^= _d;
        _c ^= shifted;
        _d = BitOperations.RotateLeft(_d, 45);
        return result;
    }

    /// <summary>Uniform in [0, 1).</summary>
    public double Fraction() => (Next() >> 11) * (1.0 / (1UL << 53));

    /// <summary>Uniform in [0, <paramref name="bound"/>).</summary>
    public int Below(int bound) => (int)Math.BigMul(Next(), (ulong)bound, out _);

    /// <summary>Uniform in [0, <paramref name="bound"/>), for spans of time.</summary>
    public long Below(long bound) => (long)Math.BigMul(Next(), (ulong)bound, out _);

    public bool Chance(double share) => Fraction() < share;

    /// <summary>Exponential with mean 1.</summary>
    public double Exponential() => -Math.Log(1 - Fraction());

    /// <summary>In [0, <paramref name="bound"/>), low numbers more often: a tenth of the values takes a bit under half of the draws.</summary>
    public int Skewed(int bound)
    {
        var u = Fraction();
        return Math.Min(bound - 1, (int)(bound * u * u * u));
    }

    private static ulong Split(ref ulong state)
    {
        state += 0x9E3779B97F4A7C15;
        var z = state;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
