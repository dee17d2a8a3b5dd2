using System.Numerics;

namespace Tidemark.Domain.Aggregates;

/// <summary>
/// HyperLogLog with 2^14 registers over 64-bit hashes: standard error 1.04 / √16384 = 0.81 %. The estimate is Otmar Ertl's improved raw estimator
/// ("New cardinality estimation algorithms for HyperLogLog sketches", 2017), which needs neither bias tables nor a switch for small numbers.
/// </summary>
internal static class HyperLogLog
{
    public const int Bits = 14;
    public const int Registers = 1 << Bits;
    public const int MaxRank = 64 - Bits + 1;

    public static void Add(byte[] registers, ulong hash)
    {
        var index = (int)(hash >> (64 - Bits));
        var rank = (byte)(BitOperations.LeadingZeroCount(hash << Bits | 1UL << (Bits - 1)) + 1);
        if (registers[index] < rank)
            registers[index] = rank;
    }

    public static long Estimate(ReadOnlySpan<byte> registers)
    {
        Span<int> ranks = stackalloc int[MaxRank + 1];
        foreach (var rank in registers)
            ranks[rank]++;
        double m = Registers, z = m * Tau(1 - ranks[MaxRank] / m);
        for (var k = MaxRank - 1; k >= 1; k--)
            z = 0.5 * (z + ranks[k]);
        z += m * Sigma(ranks[0] / m);
        return (long)Math.Round(m * m / (2 * Math.Log(2)) / z);
    }

    private static double Sigma(double x)
    {
        if (x == 1)
            return double.PositiveInfinity;
        double y = 1, z = x, before;
        do
        {
            x *= x;
            before = z;
            z += x * y;
            y += y;
        }
        while (z != before);
        return z;
    }

    private static double Tau(double x)
    {
        if (x is 0 or 1)
            return 0;
        double y = 1, z = 1 - x, before;
        do
        {
            x = Math.Sqrt(x);
            before = z;
            y *= 0.5;
            z -= (1 - x) * (1 - x) * y;
        }
        while (z != before);
        return z / 3;
    }
}
