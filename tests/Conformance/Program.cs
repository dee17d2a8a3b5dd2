using System.Text.Json;
using Tidemark.Conformance;

if (args.Contains("--help"))
{
    Console.WriteLine("usage: Conformance [FILE]   runs the cases of FILE (default: those of this project) and prints failures and counts");
    return 0;
}
var file = args.FirstOrDefault() ?? Path.Combine(AppContext.BaseDirectory, "cases.json");
if (!File.Exists(file))
{
    Console.Error.WriteLine($"There is no file '{file}'; give the path of a file of cases.");
    return 2;
}
using var cases = JsonDocument.Parse(File.ReadAllBytes(file));
int passed = 0, failed = 0, skipped = 0, required = 0;
foreach (var test in cases.RootElement.GetProperty("cases").EnumerateArray())
{
    var id = test.GetProperty("id").GetString();
    var optional = test.TryGetProperty("optional", out var flag) && flag.GetBoolean();
    try
    {
        CaseRun.Run(test);
        passed++;
    }
    catch (NotSupportedCase missing) when (optional)
    {
        skipped++;
        Console.WriteLine($"skipped {id}: {missing.Message}");
    }
    catch (Exception fault)
    {
        failed++;
        required += optional ? 0 : 1;
        Console.WriteLine($"FAILED {id}{(optional ? " (optional)" : "")}: {(fault is CaseFailure ? fault.Message : fault)}");
    }
}
Console.WriteLine($"{passed} passed, {failed} failed, {skipped} skipped");
return required > 0 ? 1 : 0;
