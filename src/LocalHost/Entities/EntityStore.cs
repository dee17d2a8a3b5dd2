using Microsoft.Data.Sqlite;

namespace Tidemark.LocalHost.Entities;

/// <summary>
/// Entity states and undelivered signals in one SQLite file (WAL, synchronous=FULL). Everything that changes goes through one writer, which
/// groups what waits into one transaction; readers see the last commit.
/// </summary>
internal sealed class EntityStore : IDisposable
{
    private const string Schema = """
        PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
        CREATE TABLE IF NOT EXISTS entities(id TEXT NOT NULL UNIQUE, state TEXT, modified INTEGER NOT NULL);
        CREATE TABLE IF NOT EXISTS inbox(seq INTEGER PRIMARY KEY, id TEXT NOT NULL, operation TEXT NOT NULL, input TEXT, due INTEGER NOT NULL);
        CREATE TABLE IF NOT EXISTS counters(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
        """;

    private readonly SqliteConnection writer;
    private readonly SqliteConnection reader;
    private readonly Lock reading = new();

    /// <param name="path">Database file; its folder must exist.</param>
    public EntityStore(string path)
    {
        SQLitePCL.Batteries_V2.Init();
        var connection = new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString();
        writer = Open(connection);
        Execute(writer, null, Schema);
        reader = Open(connection);
    }

    /// <summary>Signals that were accepted and not yet consumed, in the order of acceptance.</summary>
    public List<Signal> ReadInbox()
    {
        lock (reading)
        {
            using var command = Command(reader, null, "SELECT seq, id, operation, input, due FROM inbox ORDER BY seq");
            using var rows = command.ExecuteReader();
            List<Signal> signals = [];
            while (rows.Read())
                signals.Add(new Signal(rows.GetInt64(0), rows.GetString(1), rows.GetString(2), rows.IsDBNull(3) ? null : rows.GetString(3), rows.GetInt64(4)));
            return signals;
        }
    }

    /// <summary>Last committed state; null when the entity was never touched.</summary>
    public EntityRow? Read(string id)
    {
        lock (reading)
        {
            using var command = Command(reader, null, "SELECT id, state, modified FROM entities WHERE id = $1", id);
            using var rows = command.ExecuteReader();
            return rows.Read() ? ToRow(rows) : null;
        }
    }

    /// <summary>Entities with ids that begin with the prefix and are greater than <paramref name="after"/>, by id.</summary>
    public List<EntityRow> Read(string prefix, string after, int limit)
    {
        lock (reading)
        {
            using var command = Command(
                reader, null, "SELECT id, state, modified FROM entities WHERE id >= $1 AND id > $2 ORDER BY id LIMIT $3", prefix, after, limit);
            using var rows = command.ExecuteReader();
            List<EntityRow> found = [];
            while (rows.Read() && rows.GetString(0).StartsWith(prefix, StringComparison.Ordinal))
                found.Add(ToRow(rows));
            return found;
        }
    }

    /// <summary>Undelivered signals of an entity.</summary>
    public int Backlog(string id)
    {
        lock (reading)
        {
            using var command = Command(reader, null, "SELECT count(*) FROM inbox WHERE id = $1", id);
            return (int)(long)command.ExecuteScalar()!;
        }
    }

    /// <summary>Operations run since the file was made, failed ones included.</summary>
    public long Operations()
    {
        lock (reading)
        {
            using var command = Command(reader, null, "SELECT value FROM counters WHERE name = 'operations'");
            return command.ExecuteScalar() is long value ? value : 0;
        }
    }

    /// <summary>Writes all changes in one transaction. Called by one thread at a time.</summary>
    public void Write(IReadOnlyList<EntityChange> changes)
    {
        using var transaction = writer.BeginTransaction();
        var operations = 0;
        foreach (var change in changes)
        {
            foreach (var signal in change.Accepted)
            {
                Execute(writer, transaction, "INSERT INTO inbox(seq, id, operation, input, due) VALUES ($1, $2, $3, $4, $5)",
                    signal.Sequence, signal.Entity, signal.Operation, signal.Input, signal.DueMs);
            }

            foreach (var sequence in change.Consumed)
                Execute(writer, transaction, "DELETE FROM inbox WHERE seq = $1", sequence);
            operations += change.Consumed.Count;
            if (change.State is { } row)
            {
                Execute(writer, transaction,
                    "INSERT INTO entities(id, state, modified) VALUES ($1, $2, $3) ON CONFLICT(id) DO UPDATE SET state = excluded.state, modified = excluded.modified",
                    row.Id, row.State, row.ModifiedMs);
            }

            if (change.Removed is { } id)
                Execute(writer, transaction, "DELETE FROM entities WHERE id = $1 AND state IS NULL", id);
        }

        if (operations > 0)
            Execute(writer, transaction, "INSERT INTO counters VALUES ('operations', $1) ON CONFLICT(name) DO UPDATE SET value = value + $1", operations);
        transaction.Commit();
    }

    public void Dispose()
    {
        reader.Dispose();
        writer.Dispose();
    }

    private static SqliteConnection Open(string connectionString)
    {
        var connection = new SqliteConnection(connectionString);
        connection.Open();
        return connection;
    }

    private static EntityRow ToRow(SqliteDataReader rows) => new(rows.GetString(0), rows.IsDBNull(1) ? null : rows.GetString(1), rows.GetInt64(2));

    private static void Execute(SqliteConnection connection, SqliteTransaction? transaction, string text, params ReadOnlySpan<object?> values)
    {
        using var command = Command(connection, transaction, text, values);
        command.ExecuteNonQuery();
    }

    private static SqliteCommand Command(SqliteConnection connection, SqliteTransaction? transaction, string text, params ReadOnlySpan<object?> values)
    {
        var command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = text;
        for (var i = 0; i < values.Length; i++)
            command.Parameters.AddWithValue($"${i + 1}", values[i] ?? DBNull.Value);
        return command;
    }
}

/// <summary>A signal in an inbox.</summary>
/// <param name="Sequence">Order of acceptance, unique.</param>
/// <param name="Entity"><c>@name@key</c>.</param>
/// <param name="Operation">Operation name.</param>
/// <param name="Input">JSON, null when there is none.</param>
/// <param name="DueMs">When it may be delivered, ms since 1970 UTC; 0 = at once.</param>
internal sealed record Signal(long Sequence, string Entity, string Operation, string? Input, long DueMs);

/// <summary>An entity as stored; null state = deleted.</summary>
internal sealed record EntityRow(string Id, string? State, long ModifiedMs);

/// <summary>What is written together.</summary>
internal sealed record EntityChange
{
    /// <summary>Signals that enter an inbox.</summary>
    public IReadOnlyList<Signal> Accepted { get; init; } = [];

    /// <summary>Signals that leave it.</summary>
    public IReadOnlyList<long> Consumed { get; init; } = [];

    /// <summary>A state to write.</summary>
    public EntityRow? State { get; init; }

    /// <summary>An entity to forget if it has no state.</summary>
    public string? Removed { get; init; }
}
