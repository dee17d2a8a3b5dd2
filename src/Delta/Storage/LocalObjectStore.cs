using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Tidemark.Delta;

/// <summary>
/// Objects as files below a folder. An object appears by a hard link (put-if-absent) or a rename (replace) of a finished
/// temporary file, so that a crash at any moment leaves either the whole object or none; what a crash can leave is a file in
/// the folder `.tmp`, which no listing shows.
/// </summary>
public sealed class LocalObjectStore : IObjectStore
{
    private const string Staging = ".tmp";
    private readonly string _root;
    private readonly TimeProvider _time;
    private readonly Lazy<string> _staging;

    /// <param name="folder">Created by the first write when absent; reading leaves no trace.</param>
    /// <param name="time">Gives the files their last-modified time, so that tests can age them.</param>
    public LocalObjectStore(string folder, TimeProvider? time = null)
    {
        _root = Path.GetFullPath(folder);
        _time = time ?? TimeProvider.System;
        _staging = new Lazy<string>(PrepareStaging);
    }

    public async ValueTask<bool> PutIfAbsentAsync(string path, ReadOnlyMemory<byte> content, CancellationToken ct)
    {
        var target = Locate(path);
        if (File.Exists(target)) return false;
        var staged = await StageAsync(content, ct).ConfigureAwait(false);
        try
        {
            return PublishIfAbsent(staged, target);
        }
        finally
        {
            File.Delete(staged);
        }
    }

    public IObjectWriter OpenWrite(string path) => new LocalObjectWriter(this, Locate(path));

    public async ValueTask PutAsync(string path, ReadOnlyMemory<byte> content, CancellationToken ct)
    {
        var target = Locate(path);
        var staged = await StageAsync(content, ct).ConfigureAwait(false);
        WithParent(target, () => { File.Move(staged, target, overwrite: true); return true; });
    }

    /// <remarks>Compares and replaces under a lock file, so it is safe between processes that use this class.</remarks>
    public async ValueTask<bool> PutIfMatchAsync(string path, ReadOnlyMemory<byte> content, string etag, CancellationToken ct)
    {
        var target = Locate(path);
        using var guard = await LockAsync(path, ct).ConfigureAwait(false);
        if (Describe(path, target) is not { } now || now.ETag != etag) return false;
        var staged = await StageAsync(content, ct).ConfigureAwait(false);
        WithParent(target, () => { File.Move(staged, target, overwrite: true); return true; });
        return true;
    }

    public async ValueTask<ReadOnlyMemory<byte>?> GetAsync(string path, CancellationToken ct)
    {
        try
        {
            return await File.ReadAllBytesAsync(Locate(path), ct).ConfigureAwait(false);
        }
        catch (Exception absent) when (absent is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    public async ValueTask<ReadOnlyMemory<byte>?> GetRangeAsync(string path, long offset, int length, CancellationToken ct)
    {
        using var file = OpenOrNull(path);
        if (file is null) return null;
        var bytes = GC.AllocateUninitializedArray<byte>((int)Math.Clamp(RandomAccess.GetLength(file) - offset, 0, length));
        return bytes.AsMemory(0, await ReadAsync(file, offset, bytes, ct).ConfigureAwait(false));
    }

    public async ValueTask<int> ReadAsync(string path, long offset, Memory<byte> destination, CancellationToken ct)
    {
        using var file = OpenOrNull(path);
        return file is null ? -1 : await ReadAsync(file, offset, destination, ct).ConfigureAwait(false);
    }

    private SafeFileHandle? OpenOrNull(string path)
    {
        try
        {
            return File.OpenHandle(Locate(path), options: FileOptions.Asynchronous);
        }
        catch (Exception absent) when (absent is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    private static async ValueTask<int> ReadAsync(SafeFileHandle file, long offset, Memory<byte> bytes, CancellationToken ct)
    {
        var got = 0;
        while (got < bytes.Length)
        {
            var read = await RandomAccess.ReadAsync(file, bytes[got..], offset + got, ct).ConfigureAwait(false);
            if (read == 0) break;
            got += read;
        }

        return got;
    }

    public ValueTask<ObjectInfo?> HeadAsync(string path, CancellationToken ct) => new(Describe(path, Locate(path)));

    public async IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, string? startAfter, [EnumeratorCancellation] CancellationToken ct)
    {
        await Task.CompletedTask.ConfigureAwait(false);
        var slash = prefix.LastIndexOf('/');
        var folder = slash < 0 ? _root : Locate(prefix[..slash]);
        if (!Directory.Exists(folder)) yield break;
        var paths = new List<string>();
        foreach (var file in Directory.EnumerateFiles(folder, "*", new EnumerationOptions
        {
            RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None, MatchCasing = MatchCasing.CaseSensitive,
        }))
        {
            var path = Path.GetRelativePath(_root, file).Replace(Path.DirectorySeparatorChar, '/');
            if (path.StartsWith(prefix, StringComparison.Ordinal) && !path.StartsWith(Staging + "/", StringComparison.Ordinal)
                && (startAfter is null || string.CompareOrdinal(path, startAfter) > 0))
                paths.Add(path);
        }

        paths.Sort(string.CompareOrdinal);
        foreach (var path in paths)
        {
            ct.ThrowIfCancellationRequested();
            if (Describe(path, Locate(path)) is { } info) yield return info;
        }
    }

    public ValueTask DeleteAsync(string path, CancellationToken ct)
    {
        try
        {
            File.Delete(Locate(path));
        }
        catch (DirectoryNotFoundException)
        {
            // Nothing to delete.
        }

        return default;
    }

    private string Locate(string path)
    {
        if (path.Length == 0 || path[0] == '/' || path.Split('/').Any(part => part is "" or "." or ".."))
            throw new ArgumentException($"'{path}' is not a relative object path below {_root}; use names joined by single slashes.", nameof(path));
        return Path.Combine(_root, path.Replace('/', Path.DirectorySeparatorChar));
    }

    private async ValueTask<string> StageAsync(ReadOnlyMemory<byte> content, CancellationToken ct)
    {
        await using var file = CreateStaged();
        await file.WriteAsync(content, ct).ConfigureAwait(false);
        await FinishStagedAsync(file).ConfigureAwait(false);
        return file.Name;
    }

    // The name tells when it was made; the file's own times are those that tests may set.
    internal FileStream CreateStaged() => new(Path.Combine(_staging.Value, $"{TimeProvider.System.GetUtcNow().UtcTicks:x16}-{Guid.NewGuid():n}"),
        FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.Asynchronous);

    internal async ValueTask FinishStagedAsync(FileStream file)
    {
        await file.DisposeAsync().ConfigureAwait(false);
        File.SetLastWriteTimeUtc(file.Name, _time.GetUtcNow().UtcDateTime);
    }

    internal static bool PublishIfAbsent(string staged, string target) => WithParent(target, () => LinkExclusive(staged, target));

    // Removes what crashes have left; a day is more than any write takes.
    private string PrepareStaging()
    {
        var folder = Directory.CreateDirectory(Path.Combine(_root, Staging));
        var old = TimeProvider.System.GetUtcNow().AddDays(-1).UtcTicks;
        foreach (var file in folder.EnumerateFiles())
        {
            var dash = file.Name.IndexOf('-');
            if (dash == 16 && long.TryParse(file.Name.AsSpan(0, dash), System.Globalization.NumberStyles.AllowHexSpecifier, System.Globalization.CultureInfo.InvariantCulture, out var made) && made < old) file.Delete();
        }

        return folder.FullName;
    }

    private static T WithParent<T>(string target, Func<T> act)
    {
        try
        {
            return act();
        }
        catch (DirectoryNotFoundException)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            return act();
        }
    }

    private static bool LinkExclusive(string staged, string target)
    {
        if (OperatingSystem.IsWindows())
        {
            try
            {
                File.Move(staged, target, overwrite: false);
                return true;
            }
            catch (IOException) when (File.Exists(target))
            {
                return false;
            }
        }

        if (Link(staged, target) == 0) return true;
        const int exists = 17, noEntry = 2;
        return Marshal.GetLastPInvokeError() switch
        {
            exists => false,
            noEntry => throw new DirectoryNotFoundException(target),
            var error => throw new IOException($"Linking {target} failed: {Marshal.GetPInvokeErrorMessage(error)}."),
        };
    }

    // The lock's file stays: removing it would let two processes hold locks on two files of the same name.
    private async ValueTask<IDisposable> LockAsync(string path, CancellationToken ct)
    {
        var digest = System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(path));
        var name = Path.Combine(_staging.Value, "lock-" + Convert.ToHexStringLower(digest));
        while (true)
        {
            try
            {
                return new FileStream(name, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1);
            }
            catch (IOException)
            {
                // Held by another process; the file system has no way to be told when it is free.
                await Task.Delay(TimeSpan.FromMilliseconds(1), ct).ConfigureAwait(false);
            }
        }
    }

    private static ObjectInfo? Describe(string path, string target)
    {
        var file = new FileInfo(target);
        if (!file.Exists) return null;
        var time = new DateTimeOffset(file.LastWriteTimeUtc, TimeSpan.Zero);
        return new ObjectInfo(path, file.Length, time, $"{time.UtcTicks:x}-{file.Length:x}-{Inode(target):x}");
    }

    // Two writes of equal length in one tick of the clock differ in the file itself, never in time and size alone.
    private static long Inode(string target) => OperatingSystem.IsLinux() && Stat(target, out var stat) == 0 ? stat.Inode : 0;

    [StructLayout(LayoutKind.Sequential, Size = 256)]
    private struct LinuxStat
    {
        public long Device;
        public long Inode;
    }

    [DllImport("libc", EntryPoint = "link", SetLastError = true)]
    private static extern int Link([MarshalAs(UnmanagedType.LPUTF8Str)] string from, [MarshalAs(UnmanagedType.LPUTF8Str)] string to);

    [DllImport("libc", EntryPoint = "stat", SetLastError = true)]
    private static extern int Stat([MarshalAs(UnmanagedType.LPUTF8Str)] string path, out LinuxStat stat);
}
