using System.ComponentModel;
using System.Reflection;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.Logging;
using Tidemark.LocalHost.Discovery;
using Tidemark.LocalHost.Invocation;
using Tidemark.LocalHost.Settings;

namespace Tidemark.LocalHost.Web;

/// <summary>Maps functions with an HTTP trigger to routes of ASP.NET Core: <c>/{prefix}/{route}</c>, methods, levels, route values as parameters.</summary>
internal static class HttpFunctions
{
    private static readonly string[] AllMethods = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"];

    public static void Map(
        IEndpointRouteBuilder routes, FunctionMethod function, string prefix, AccessKeys keys, TimeProvider time, ILogger logger)
    {
        var trigger = (HttpTriggerAttribute)function.Trigger;
        var runner = new FunctionRunner(function, routes.ServiceProvider, time, Bind);
        var route = $"/{prefix}/{trigger.Route ?? function.Name}".Replace("//", "/", StringComparison.Ordinal);
        var methods = trigger.Methods is { Length: > 0 } some ? some.Select(m => m.ToUpperInvariant()) : AllMethods;
        routes.MapMethods(route, methods, (RequestDelegate)(context => RunAsync(context, runner, trigger.AuthLevel, keys, logger)));
    }

    private static async Task RunAsync(HttpContext context, FunctionRunner runner, AuthorizationLevel level, AccessKeys keys, ILogger logger)
    {
        if (!keys.Allows(context.Request, level))
        {
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            return;
        }

        try
        {
            // The key under which the official ASP.NET Core extension keeps the context.
            var result = await runner.RunOnceAsync(context, null, c => c.Items["HttpRequestContext"] = context, context.RequestAborted);
            await WriteAsync(context, result);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The caller went away; nobody reads an answer.
        }
        catch (FormatException e) when (!context.Response.HasStarted)
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            await context.Response.WriteAsync(e.Message);
        }
        catch (Exception e) when (!context.Response.HasStarted)
        {
            logger.LogError(e, "{Function} failed: {Message}", runner.Function.Name, e.Message);
            context.Response.StatusCode = StatusCodes.Status500InternalServerError;
        }
    }

    private static Task WriteAsync(HttpContext context, object? result) => result switch
    {
        null => Task.CompletedTask,
        IActionResult action => action.ExecuteResultAsync(new ActionContext(context, context.GetRouteData(), new())),
        IResult answer => answer.ExecuteAsync(context),
        string text => context.Response.WriteAsync(text),
        _ => context.Response.WriteAsJsonAsync(result, result.GetType()),
    };

    private static Func<object?, object?>? Bind(ParameterInfo parameter)
    {
        if (parameter.ParameterType == typeof(HttpRequest))
            return context => ((HttpContext)context!).Request;
        if (parameter.ParameterType == typeof(HttpContext))
            return context => context;
        if (parameter.ParameterType == typeof(CancellationToken))
            return context => ((HttpContext)context!).RequestAborted;
        if (parameter.IsDefined(typeof(HttpTriggerAttribute)))
            throw new SettingException($"The parameter {parameter.Name} of {parameter.Member.Name} must be an HttpRequest or HttpContext of ASP.NET Core.");
        return parameter.ParameterType != typeof(string) && !TypeDescriptor.GetConverter(parameter.ParameterType).CanConvertFrom(typeof(string))
            ? null
            : context => RouteValue((HttpContext)context!, parameter);
    }

    private static object? RouteValue(HttpContext context, ParameterInfo parameter)
    {
        var type = Nullable.GetUnderlyingType(parameter.ParameterType) ?? parameter.ParameterType;
        if (context.GetRouteValue(parameter.Name!)?.ToString() is not { } text)
            return parameter.HasDefaultValue ? parameter.DefaultValue : type.IsValueType ? Activator.CreateInstance(type) : null;
        if (type == typeof(string))
            return text;
        try
        {
            return TypeDescriptor.GetConverter(type).ConvertFromInvariantString(text);
        }
        catch (Exception e) when (e is FormatException or ArgumentException or NotSupportedException)
        {
            throw new FormatException($"'{text}' in the address is not a valid {parameter.Name}.");
        }
    }
}
