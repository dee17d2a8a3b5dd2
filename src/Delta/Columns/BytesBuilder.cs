using System.Text;

namespace Tidemark.Delta;

/// <summary>Collects byte strings into a <see cref="BytesColumn"/>.</summary>
internal sealed class BytesBuilder
{
    private byte[] _heap = new byte[256];
    private readonly List<int> _offsets = [0];
    private readonly List<bool> _nulls = [];

    public int Length => _nulls.Count;

    public void Add(ReadOnlySpan<byte> value)
    {
        var from = _offsets[^1];
        if (_heap.Length - from < value.Length) Array.Resize(ref _heap, checked(Math.Max(from + value.Length, _heap.Length * 2)));
        value.CopyTo(_heap.AsSpan(from));
        _offsets.Add(from + value.Length);
        _nulls.Add(false);
    }

    public void Add(string? value)
    {
        if (value is null)
        {
            AddNull();
            return;
        }

        var from = _offsets[^1];
        var most = Encoding.UTF8.GetMaxByteCount(value.Length);
        if (_heap.Length - from < most) Array.Resize(ref _heap, checked(Math.Max(from + most, _heap.Length * 2)));
        _offsets.Add(from + Encoding.UTF8.GetBytes(value, _heap.AsSpan(from)));
        _nulls.Add(false);
    }

    public void AddNull()
    {
        _offsets.Add(_offsets[^1]);
        _nulls.Add(true);
    }

    /// <summary>Starts anew in the same memory; columns built before are of no use any more.</summary>
    public void Clear()
    {
        _offsets.Clear();
        _offsets.Add(0);
        _nulls.Clear();
    }

    public BytesColumn Build() => new(_heap, [.. _offsets], Length, NullBits.From(_nulls.ToArray()));
}
