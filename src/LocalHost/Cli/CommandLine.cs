using System.CommandLine;
using Tidemark.Functions.Configuration;
using Tidemark.LocalHost.Demo;
using Tidemark.LocalHost.Kafka.Native;
using Tidemark.LocalHost.Processes;
using Tidemark.LocalHost.Settings;

namespace Tidemark.LocalHost.Cli;

/// <summary>The program's commands. Whatever is wrong with what the user gave ends in one sentence on standard error.</summary>
internal static class CommandLine
{
    public static async Task<int> RunAsync(string[] args, TextWriter output, TextWriter errors)
    {
        var root = RunCommand.Create(output, errors);
        root.Subcommands.Add(LakeCommands.Export(output, errors));
        root.Subcommands.Add(LakeCommands.Show(output, errors));
        root.Subcommands.Add(LakeCommands.History(output, errors));
        root.Subcommands.Add(MaintenanceCommands.Maintain(output, errors));
        root.Subcommands.Add(MaintenanceCommands.Vacuum(output, errors));
        root.Subcommands.Add(LateCommands.Late(output, errors));
        root.Subcommands.Add(LateCommands.Windows(output, errors));
        root.Subcommands.Add(LossCommands.Create(output, errors));
        root.Subcommands.Add(ExplainCommand.Create(output, errors));
        root.Subcommands.Add(ReplayCommands.Replay(output, errors));
        root.Subcommands.Add(ReplayCommands.Swap(output, errors));
        root.Subcommands.Add(StatusCommand.Create(output));
        root.Subcommands.Add(DoctorCommand.Create(output, errors));
        root.Subcommands.Add(WatermarksCommand.Create(output, errors));
        root.Subcommands.Add(DescribeCommand.Create(output));
        root.Subcommands.Add(ProduceCommand.Create(output, errors));
        root.Subcommands.Add(DeadLetterCommands.Create(output, errors));
        root.Subcommands.Add(GenerateCommand.Create());
        root.Subcommands.Add(EmulatorCommand.Create());
        var parsed = root.Parse(args);
        if (parsed.Errors.Count > 0)
        {
            errors.WriteLine($"{parsed.Errors[0].Message} See --help.");
            return ExitCodes.BadSetting;
        }

        try
        {
            // The commands handle signals themselves.
            return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null, Output = output, Error = errors });
        }
        catch (Exception e) when (Explain(e) is var (code, message))
        {
            errors.WriteLine(message);
            return code;
        }
    }

    private static (int Code, string Message)? Explain(Exception e) => e switch
    {
        SettingException or InvalidSettingException => (ExitCodes.BadSetting, e.Message),
        DirectoryInUseException => (ExitCodes.InUse, e.Message),
        KafkaClientException or Confluent.Kafka.KafkaException or Delta.DeltaException or InvalidOperationException or IOException or UnauthorizedAccessException =>
            (ExitCodes.Failure, e.Message),
        StorageBusyException => (ExitCodes.Failure, e.Message),
        Azure.RequestFailedException { Status: 0 } or AggregateException { InnerException: Azure.RequestFailedException { Status: 0 } } =>
            (ExitCodes.Failure, $"Storage does not answer: {(e.InnerException ?? e).Message.Split('\n')[0]}"),
        OperationCanceledException or AggregateException { InnerException: OperationCanceledException } =>
            (ExitCodes.Failure, "Storage did not answer in time; it is busy or away. Try again."),
        Azure.RequestFailedException failure => (ExitCodes.Failure, $"Storage refused a request ({failure.Status} {failure.ErrorCode}): {failure.Message.Split('\n')[0]}"),
        _ => null,
    };
}
