namespace Tidemark.Delta;

/// <summary>What goes wrong with a Delta table: the base of this library's own exceptions.</summary>
public class DeltaException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>A file of the table (log, checkpoint, Parquet) does not hold what its format demands.</summary>
public sealed class DeltaFormatException(string message, Exception? inner = null) : DeltaException(message, inner);

/// <summary>The table uses a feature, type or encoding that this library refuses by name.</summary>
public sealed class DeltaUnsupportedException(string message) : DeltaException(message);

/// <summary>Rows do not fit the table's schema and the request does not allow to change it.</summary>
public sealed class DeltaSchemaMismatchException(string message) : DeltaException(message);

/// <summary>Another writer's commit contradicts this one; nothing was committed. Read the table again and decide anew.</summary>
public sealed class DeltaConflictException(string message) : DeltaException(message);

/// <summary>A version that the log does not hold: never written, or removed by log cleanup.</summary>
public sealed class DeltaVersionNotFoundException(string message) : DeltaException(message);
