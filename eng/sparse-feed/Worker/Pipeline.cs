using Microsoft.Azure.Functions.Worker.Invocation;
using Microsoft.Azure.Functions.Worker.Middleware;
using Microsoft.Extensions.DependencyInjection;

namespace Microsoft.Azure.Functions.Worker
{
    public interface IFunctionsWorkerApplicationBuilder
    {
        IServiceCollection Services { get; }

        IFunctionsWorkerApplicationBuilder Use(Func<FunctionExecutionDelegate, FunctionExecutionDelegate> middleware);
    }
}

namespace Microsoft.Azure.Functions.Worker.Middleware
{
    public interface IFunctionsWorkerMiddleware
    {
        Task Invoke(FunctionContext context, FunctionExecutionDelegate next);
    }

    public delegate Task FunctionExecutionDelegate(FunctionContext context);
}

namespace Microsoft.Azure.Functions.Worker.Invocation
{
    /// <summary>The end of the pipeline: calls the function of the context. The host registers it.</summary>
    public interface IFunctionExecutor
    {
        ValueTask ExecuteAsync(FunctionContext context);
    }

    /// <summary>Middleware in the order of registration, then the registered <see cref="IFunctionExecutor"/>.</summary>
    internal sealed class Pipeline
    {
        private readonly List<Func<FunctionExecutionDelegate, FunctionExecutionDelegate>> middleware = [];

        public void Use(Func<FunctionExecutionDelegate, FunctionExecutionDelegate> item) => middleware.Add(item);

        public FunctionExecutionDelegate Build()
        {
            FunctionExecutionDelegate next = context =>
                context.InstanceServices.GetRequiredService<IFunctionExecutor>().ExecuteAsync(context).AsTask();
            for (var i = middleware.Count - 1; i >= 0; i--)
                next = middleware[i](next);
            return next;
        }
    }
}

namespace Microsoft.Extensions.Hosting
{
    using Microsoft.Azure.Functions.Worker;
    using Microsoft.Extensions.DependencyInjection.Extensions;

    public static class MiddlewareWorkerApplicationBuilderExtensions
    {
        public static IFunctionsWorkerApplicationBuilder UseMiddleware<T>(this IFunctionsWorkerApplicationBuilder builder)
            where T : class, IFunctionsWorkerMiddleware
        {
            builder.Services.TryAddSingleton<T>();
            return builder.Use(next => context => context.InstanceServices.GetRequiredService<T>().Invoke(context, next));
        }

        public static IFunctionsWorkerApplicationBuilder UseMiddleware(
            this IFunctionsWorkerApplicationBuilder builder, Func<FunctionContext, Func<Task>, Task> middleware) =>
            builder.Use(next => context => middleware(context, () => next(context)));

        public static IFunctionsWorkerApplicationBuilder UseWhen<T>(
            this IFunctionsWorkerApplicationBuilder builder, Func<FunctionContext, bool> predicate)
            where T : class, IFunctionsWorkerMiddleware
        {
            builder.Services.TryAddSingleton<T>();
            return builder.Use(next => context => predicate(context)
                ? context.InstanceServices.GetRequiredService<T>().Invoke(context, next)
                : next(context));
        }
    }
}
