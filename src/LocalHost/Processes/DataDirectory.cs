using System.Text.Json;
using Tidemark.LocalHost.Settings;

namespace Tidemark.LocalHost.Processes;

/// <summary>
/// The folder that holds all state of a local pipeline. One process uses it at a time: a lock on <c>lock</c> that the system drops when the process
/// dies, and <c>owner.json</c> that says who holds it.
/// </summary>
internal sealed class DataDirectory : IDisposable
{
    private const string Marker = "tidemark.json";
    private readonly FileStream guard;

    private DataDirectory(string path, FileStream guard)
    {
        Path = path;
        this.guard = guard;
    }

    public string Path { get; }

    public string this[string name] => System.IO.Path.Combine(Path, name);

    /// <summary>Makes the folder if needed and takes the lock.</summary>
    /// <exception cref="DirectoryInUseException">Another process holds it.</exception>
    /// <exception cref="SettingException">The folder holds something else, or cannot be written.</exception>
    public static DataDirectory Open(string path)
    {
        path = System.IO.Path.GetFullPath(path);
        if (File.Exists(path))
            throw new SettingException($"--data {path} is a file; name a folder.");
        try
        {
            if (Directory.Exists(path) && Directory.EnumerateFileSystemEntries(path).Any() && !IsOurs(path))
                throw new SettingException($"--data {path} holds files that are not Tidemark's; name an empty or a new folder.");
            Directory.CreateDirectory(path);
            File.WriteAllText(System.IO.Path.Combine(path, Marker), """{ "format": 1 }""" + "\n");
            Directory.CreateDirectory(System.IO.Path.Combine(path, "logs"));
            return new DataDirectory(path, Lock(path));
        }
        catch (UnauthorizedAccessException)
        {
            throw new SettingException($"--data {path} cannot be written; name a folder that you own.");
        }
        catch (IOException e)
        {
            throw new SettingException($"--data {path} cannot be used: {e.Message}");
        }
    }

    /// <summary>The full path of a data directory that a run has used, for commands that read.</summary>
    /// <exception cref="SettingException">It is none, or cannot be read.</exception>
    public static string Existing(string path)
    {
        path = System.IO.Path.GetFullPath(path);
        if (File.Exists(path))
            throw new SettingException($"--data {path} is a file; name the folder that a run used.");
        if (!Directory.Exists(path))
            throw new SettingException($"--data {path}: there is no such folder; name the one that a run used.");
        try
        {
            // Tells a folder that is not ours from one that we may not look into.
            _ = Directory.EnumerateFileSystemEntries(path).Any();
            if (IsOurs(path))
                File.ReadAllBytes(System.IO.Path.Combine(path, Marker));
        }
        catch (UnauthorizedAccessException)
        {
            throw new SettingException($"--data {path} cannot be read; name a folder that you own.");
        }

        return IsOurs(path) ? path : throw new SettingException($"--data {path} is no data directory of Tidemark; name the one that a run used.");
    }

    private static bool IsOurs(string path) => File.Exists(System.IO.Path.Combine(path, Marker));

    /// <summary>Who holds the folder's lock; null when nobody does.</summary>
    public static HostOwner? Owner(string path)
    {
        var owner = StateFile.Read<HostOwner>(System.IO.Path.Combine(path, "owner.json"));
        return owner is not null && owner.Process.IsAlive() ? owner : null;
    }

    /// <summary>Says who holds the folder.</summary>
    public void Announce(HostOwner owner) => StateFile.Write(this["owner.json"], owner);

    /// <summary>Deletes everything but the lock and the marker.</summary>
    public void Clear()
    {
        foreach (var entry in new DirectoryInfo(Path).EnumerateFileSystemInfos())
        {
            if (entry.Name is Marker or "lock")
                continue;
            if (entry is DirectoryInfo folder)
                folder.Delete(recursive: true);
            else
                entry.Delete();
        }

        Directory.CreateDirectory(this["logs"]);
    }

    public void Dispose()
    {
        File.Delete(this["owner.json"]);
        guard.Dispose();
    }

    private static FileStream Lock(string path)
    {
        try
        {
            return new FileStream(System.IO.Path.Combine(path, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException)
        {
            throw new DirectoryInUseException(path, Owner(path));
        }
    }
}

/// <summary>The process that runs on a data directory.</summary>
/// <param name="Process">Id and start time.</param>
/// <param name="Port">HTTP port; 0 before the web server is up.</param>
internal sealed record HostOwner(ProcessIdentity Process, int Port);

/// <summary>Another process works on the data directory; exit code 3.</summary>
internal sealed class DirectoryInUseException(string path, HostOwner? owner) : Exception(owner is null
    ? $"Another process is using {path}; wait for it to end or name another folder with --data."
    : $"Tidemark is running on {path} already: process {owner.Process.Id}{(owner.Port == 0 ? "" : $", http://localhost:{owner.Port}")}; stop it or name another folder with --data.");

/// <summary>Small JSON files that are replaced as a whole.</summary>
internal static class StateFile
{
    private static readonly JsonSerializerOptions Options = new() { WriteIndented = true };

    /// <summary>Null when there is no file. A file is never half written, since it is put in place by renaming.</summary>
    public static T? Read<T>(string path)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize<T>(File.ReadAllBytes(path), Options);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (JsonException e)
        {
            throw new SettingException($"{path} is damaged ({e.Message}); begin anew with --fresh.");
        }
    }

    public static void Write<T>(string path, T value)
    {
        using (var file = new FileStream(path + ".new", FileMode.Create, FileAccess.Write))
        {
            JsonSerializer.Serialize(file, value, Options);
            file.Flush(flushToDisk: true);
        }

        File.Move(path + ".new", path, overwrite: true);
    }
}
