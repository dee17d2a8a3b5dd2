using System.Text.Encodings.Web;
using System.Text.Json;

namespace Tidemark.Domain.Columns;

/// <summary>How JSON text that stands in a row is written: letters of every language as they are, so that it reads the same as any other column. It is never part of a page's source.</summary>
internal static class StoredJson
{
    public static readonly JsonWriterOptions Writer = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static readonly JsonSerializerOptions Serializer = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
}
