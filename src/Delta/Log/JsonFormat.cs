using System.Text.Encodings.Web;
using System.Text.Json;

namespace Tidemark.Delta.Log;

/// <summary>How this library writes JSON: only what JSON itself demands is escaped, as other Delta writers do.</summary>
internal static class JsonFormat
{
    public static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };
}
