using System.Text.Json;
using Tidemark.Conformance;

if (args.Contains("--help"))
{
    Console.WriteLine("usage: Conformance [FILE...]   runs the cases of the files (default: those of this project) and prints failures and counts");
    return 0;
}
var files = args.Length > 0 ? args : [Path.Combine(AppContext.BaseDirectory, "cases.json"), Path.Combine(AppContext.BaseDirectory, "cases-more.json")];
if (files.FirstOrDefault(f => !File.Exists(f)) is { } missing)
{
    Console.Error.WriteLine($"There is no file '{missing}'; give the path of a file of cases.");
    return 2;
}
int passed = 0, failed = 0, skipped = 0, required = 0;
foreach (var file in files)
{
    using var cases = JsonDocument.Parse(File.ReadAllBytes(file));
    foreach (var test in cases.RootElement.GetProperty("cases").EnumerateArray())
    {
        var id = test.GetProperty("id").GetString();
        var optional = test.TryGetProperty("optional", out var flag) && flag.GetBoolean();
        try
        {
            CaseRun.Run(test);
            passed++;
        }
        catch (NotSupportedCase unknown) when (optional)
        {
            skipped++;
            Console.WriteLine($"skipped {id}: {unknown.Message}");
        }
        catch (Exception fault)
        {
            failed++;
            required += optional ? 0 : 1;
            Console.WriteLine($"FAILED {id}{(optional ? " (optional)" : "")}: {fault switch { CaseFailure => fault.Message, NotSupportedCase => $"not understood: {fault.Message}", _ => fault }}");
        }
    }
}
Console.WriteLine($"{passed} passed, {failed} failed, {skipped} skipped");
return required > 0 ? 1 : 0;
