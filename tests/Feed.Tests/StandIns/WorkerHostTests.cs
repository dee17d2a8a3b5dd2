using System.Collections;
using System.Text.Json;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Builder;
using Microsoft.Azure.Functions.Worker.Invocation;
using Microsoft.Azure.Functions.Worker.Middleware;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using Microsoft.Extensions.Options;

namespace Tidemark.Feed.Tests.StandIns;

/// <summary>What an embedding host relies on: the program's builder gives services, settings, serializer and the middleware pipeline.</summary>
public class WorkerHostTests
{
    [Fact]
    public async Task Middleware_runs_in_order_around_the_function()
    {
        var trace = new List<string>();
        var builder = FunctionsApplication.CreateBuilder([]);
        builder.ConfigureFunctionsWebApplication();
        builder.Services.AddSingleton(trace);
        builder.UseMiddleware<Tracing>();
        builder.UseMiddleware(async (_, next) =>
        {
            trace.Add("inner");
            await next();
        });
        builder.UseWhen<Tracing>(_ => false);
        builder.Services.AddSingleton<IFunctionExecutor, Executor>();
        using var host = builder.Build();

        await host.Services.GetRequiredService<FunctionExecutionDelegate>()(new Context { InstanceServices = host.Services });

        Assert.Equal(["before", "inner", "function", "after"], trace);
    }

    [Fact]
    public void Arguments_become_settings_and_the_console_logger_is_gone()
    {
        var builder = FunctionsApplication.CreateBuilder(["--Topic=events"]);
        using var host = builder.Build();

        Assert.Equal("events", host.Services.GetRequiredService<IConfiguration>()["Topic"]);
        Assert.DoesNotContain(host.Services.GetServices<ILoggerProvider>(), p => p is ConsoleLoggerProvider);
        Assert.Throws<InvalidOperationException>(() => builder.Build());
    }

    [Fact]
    public void The_serializer_uses_the_configured_JSON_options()
    {
        var builder = FunctionsApplication.CreateBuilder([]);
        builder.Services.Configure<JsonSerializerOptions>(o => o.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower);
        using var host = builder.Build();

        var serializer = host.Services.GetRequiredService<IOptions<WorkerOptions>>().Value.Serializer!;

        Assert.Equal("""{"first_offset":1}""", serializer.Serialize(new { FirstOffset = 1 }).ToString());
        var read = (Position)serializer.Deserialize(new MemoryStream("{\"FIRST_OFFSET\":7}"u8.ToArray()), typeof(Position), default)!;
        Assert.Equal(7, read.FirstOffset);
    }

    private sealed record Position(int FirstOffset);

    private sealed class Tracing(List<string> trace) : IFunctionsWorkerMiddleware
    {
        public async Task Invoke(FunctionContext context, FunctionExecutionDelegate next)
        {
            trace.Add("before");
            await next(context);
            trace.Add("after");
        }
    }

    private sealed class Executor(List<string> trace) : IFunctionExecutor
    {
        public ValueTask ExecuteAsync(FunctionContext context)
        {
            trace.Add("function");
            return default;
        }
    }

    private sealed class Context : FunctionContext
    {
        public override string InvocationId => "1";

        public override string FunctionId => "f";

        public override TraceContext TraceContext => throw new NotSupportedException();

        public override BindingContext BindingContext => throw new NotSupportedException();

        public override RetryContext RetryContext => null!;

        public override IServiceProvider InstanceServices { get; set; } = null!;

        public override FunctionDefinition FunctionDefinition => throw new NotSupportedException();

        public override IDictionary<object, object> Items { get; set; } = new Dictionary<object, object>();

        public override IInvocationFeatures Features { get; } = new FeatureMap();
    }

    private sealed class FeatureMap : IInvocationFeatures
    {
        private readonly Dictionary<Type, object> features = [];

        public void Set<T>(T instance) => features[typeof(T)] = instance!;

        public T? Get<T>() => features.TryGetValue(typeof(T), out var feature) ? (T)feature : default;

        public IEnumerator<KeyValuePair<Type, object>> GetEnumerator() => features.GetEnumerator();

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
