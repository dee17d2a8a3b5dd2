using System.Reflection;

namespace Tidemark.Feed.Tests.StandIns.Api;

/// <summary>Code that compiles against the stand-ins compiles against the official packages: the stand-ins have nothing else.</summary>
public class StandInTests
{
    private static readonly Assembly[] StandIns =
    [
        typeof(Microsoft.Azure.Functions.Worker.FunctionAttribute).Assembly,
        typeof(Microsoft.DurableTask.Entities.EntityInstanceId).Assembly,
        typeof(Azure.Data.Tables.TableClient).Assembly,
        typeof(Azure.Monitor.OpenTelemetry.Exporter.AzureMonitorExporterExtensions).Assembly,
    ];

    private static readonly Dictionary<string, Fact> Known = Facts.Read(Path.Combine(Root(), "eng/sparse-feed/functions-api.tsv"));

    public static TheoryData<string> Types => [.. StandIns.SelectMany(a => a.GetExportedTypes()).Select(Signature.Key)];

    [Theory]
    [MemberData(nameof(Types))]
    public void A_stand_in_has_no_member_that_the_official_type_lacks(string key)
    {
        var type = StandIns.SelectMany(a => a.GetExportedTypes()).Single(t => Signature.Key(t) == key);

        Assert.True(Known.TryGetValue(key, out var fact), $"{key} is no official type, by functions-api.tsv.");
        Assert.Equal(fact.Kind, Signature.Kind(type));
        Assert.Empty(Signature.Bases(type).Except(fact.Bases));
        if (type.IsEnum)
            Assert.Equal(fact.EnumValues.Order(), Signature.EnumValues(type).Order());
        else if (fact.Kind != "delegate")
            Assert.All(Signature.Members(type), m => Assert.True(fact.Members.Contains(m) || IsImplied(m, fact), $"{key} has no '{m}'."));
    }

    [Theory]
    [InlineData("public abstract string InvocationId { get; }", "abstract string InvocationId { get; }")]
    [InlineData("public KafkaMessageKeyType KeyDataType { get; set; } = KafkaMessageKeyType.String;", "KafkaMessageKeyType KeyDataType { get; set; }")]
    [InlineData("public async Task DispatchAsync(ITaskEntity entity);", "Task DispatchAsync(ITaskEntity entity)")]
    [InlineData("public virtual Task<T?> Get<T>(string? a = null, int? b = null, bool c = true) where T : notnull;", "virtual Task<T> Get<T>(string a = default, int? b = default, bool c = true)")]
    [InlineData("Dictionary<string, object?> Data {get;}", "Dictionary<string, object> Data { get; }")]
    public void Declarations_are_brought_to_one_form(string declared, string expected) => Assert.Equal(expected, Facts.Member(declared));

    [Theory]
    [InlineData(typeof(Microsoft.DurableTask.Entities.TaskEntityContext))]
    [InlineData(typeof(Microsoft.DurableTask.Entities.TaskEntityOperation))]
    [InlineData(typeof(Microsoft.DurableTask.Entities.TaskEntityState))]
    [InlineData(typeof(Microsoft.DurableTask.Client.DurableTaskClient))]
    [InlineData(typeof(Microsoft.DurableTask.Client.Entities.DurableEntityClient))]
    [InlineData(typeof(Microsoft.Azure.Functions.Worker.FunctionContext))]
    [InlineData(typeof(Microsoft.Azure.Functions.Worker.FunctionDefinition))]
    [InlineData(typeof(Microsoft.Azure.Functions.Worker.BindingContext))]
    [InlineData(typeof(Microsoft.Azure.Functions.Worker.RetryContext))]
    [InlineData(typeof(Microsoft.Azure.Functions.Worker.TraceContext))]
    public void Types_that_hosts_derive_from_have_every_abstract_member(Type type)
    {
        var members = Signature.Members(type).ToHashSet();

        Assert.All(Known[Signature.Key(type)].Members.Where(m => m.Contains("abstract ")), m => Assert.Contains(m, members));
    }

    // A class without a constructor has one without parameters: public, or protected where the class is abstract.
    private static bool IsImplied(string member, Fact fact)
    {
        var name = member.Replace("protected ", "");
        return name.EndsWith("()") && !name.Contains(' ')
            && (fact.Members.Contains(name) || !fact.Members.Any(m => m.Replace("protected ", "").StartsWith(name[..^1], StringComparison.Ordinal)));
    }

    private static string Root()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Functions.sln")))
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("Functions.sln is not above the tests.");
        return folder;
    }
}
