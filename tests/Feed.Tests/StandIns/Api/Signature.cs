using System.Reflection;
using System.Runtime.CompilerServices;

namespace Tidemark.Feed.Tests.StandIns.Api;

/// <summary>
/// Public types and members of an assembly as C# declarations, in the normal form of <see cref="Facts"/>: no nullability of reference
/// types, no attributes, <c>default</c> for null, no <c>public</c>.
/// </summary>
internal static class Signature
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static readonly Dictionary<Type, string> Keywords = new()
    {
        [typeof(void)] = "void", [typeof(string)] = "string", [typeof(object)] = "object", [typeof(bool)] = "bool",
        [typeof(int)] = "int", [typeof(long)] = "long", [typeof(double)] = "double", [typeof(byte)] = "byte",
    };

    /// <summary>Namespace and name, with the type parameters: <c>Microsoft.DurableTask.Page&lt;T&gt;</c>.</summary>
    public static string Key(Type type) => $"{type.Namespace}.{Name(type)}";

    public static string Kind(Type type)
    {
        if (type.IsEnum)
            return "enum";
        if (type.IsInterface)
            return "interface";
        if (typeof(Delegate).IsAssignableFrom(type))
            return "delegate";
        var record = type.GetMethod("PrintMembers", Declared) is not null ? "record " : "";
        if (type.IsValueType)
            return $"readonly {record}struct";
        var modifier = type is { IsAbstract: true, IsSealed: true } ? "static " : type.IsAbstract ? "abstract " : type.IsSealed ? "sealed " : "";
        return modifier + (record.Length > 0 ? "record" : "class");
    }

    /// <summary>Base class and interfaces that the type itself names.</summary>
    public static IEnumerable<string> Bases(Type type)
    {
        if (type.IsEnum || typeof(Delegate).IsAssignableFrom(type))
            yield break;
        if (type.BaseType is { } parent && parent != typeof(object) && parent != typeof(ValueType))
            yield return Name(parent);
        var inherited = type.GetInterfaces().SelectMany(i => i.GetInterfaces()).Concat(type.BaseType?.GetInterfaces() ?? []).ToHashSet();
        var isRecord = Kind(type).Contains("record");
        foreach (var item in type.GetInterfaces().Where(i => !inherited.Contains(i)))
        {
            if (!isRecord || Name(item) != $"IEquatable<{Name(type)}>")
                yield return Name(item);
        }
    }

    public static IEnumerable<string> EnumValues(Type type) =>
        Enum.GetNames(type).Select(name => $"{name} = {Convert.ToInt64(Enum.Parse(type, name))}");

    public static IEnumerable<string> Members(Type type)
    {
        foreach (var field in type.GetFields(Declared).Where(f => f.IsPublic || f.IsFamily))
            yield return $"{(field.IsLiteral ? "const " : "")}{Name(field.FieldType)} {field.Name}{(field.IsLiteral ? $" = {field.GetRawConstantValue()}" : "")}";
        foreach (var constructor in type.GetConstructors(Declared).Where(c => Visible(c) && !IsCopy(c, type)))
            yield return $"{Access(constructor)}{Plain(type.Name)}({Parameters(constructor)})";
        foreach (var property in type.GetProperties(Declared).Where(p => p.Name != "EqualityContract" && p.GetAccessors(true).Any(Visible)))
            yield return Property(property);
        foreach (var method in type.GetMethods(Declared).Where(m => Visible(m) && !IsGenerated(m)))
            yield return Method(method);
    }

    private static string Property(PropertyInfo property)
    {
        var first = property.GetAccessors(true).First(Visible);
        var name = property.GetIndexParameters() is { Length: > 0 } index ? $"this[{string.Join(", ", index.Select(Parameter))}]" : property.Name;
        var get = property.GetMethod is { } getter && Visible(getter) ? "get; " : "";
        var set = property.SetMethod is { } setter && Visible(setter)
            ? setter.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit)) ? "init; " : "set; " : "";
        return $"{Access(first)}{Modifier(first)}{Name(property.PropertyType)} {name} {{ {get}{set}}}";
    }

    private static string Method(MethodInfo method)
    {
        if (method.Name == "op_Implicit")
            return $"static implicit operator {Name(method.ReturnType)}({Parameters(method)})";
        var generic = method.IsGenericMethod ? $"<{string.Join(", ", method.GetGenericArguments().Select(Name))}>" : "";
        var extension = method.IsDefined(typeof(ExtensionAttribute)) ? "this " : "";
        var constraints = string.Concat(method.GetGenericArguments().Select(Constraint));
        return $"{Access(method)}{Modifier(method)}{Name(method.ReturnType)} {method.Name}{generic}({extension}{Parameters(method)}){constraints}";
    }

    private static string Constraint(Type parameter)
    {
        var parts = parameter.GetGenericParameterConstraints().Select(Name).ToList();
        if (parameter.GenericParameterAttributes.HasFlag(GenericParameterAttributes.ReferenceTypeConstraint))
            parts.Insert(0, "class");
        return parts.Count == 0 ? "" : $" where {parameter.Name} : {string.Join(", ", parts)}";
    }

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(Parameter));

    private static string Parameter(ParameterInfo parameter)
    {
        var prefix = parameter.IsDefined(typeof(ParamArrayAttribute)) ? "params " : parameter.IsOut ? "out " : "";
        return $"{prefix}{Name(parameter.ParameterType)} {parameter.Name}{(parameter.HasDefaultValue ? $" = {Default(parameter)}" : "")}";
    }

    private static string Default(ParameterInfo parameter) => parameter.DefaultValue switch
    {
        null => "default",
        bool flag => flag ? "true" : "false",
        var value when parameter.ParameterType.IsEnum => $"{Name(parameter.ParameterType)}.{Enum.ToObject(parameter.ParameterType, value)}",
        var value => $"{value}",
    };

    private static string Name(Type type)
    {
        if (type.IsByRef)
            return Name(type.GetElementType()!);
        if (Nullable.GetUnderlyingType(type) is { } value)
            return Name(value) + "?";
        if (type.IsArray)
            return Name(type.GetElementType()!) + "[]";
        if (Keywords.TryGetValue(type, out var keyword))
            return keyword;
        return type.IsGenericType ? $"{Plain(type.Name)}<{string.Join(", ", type.GetGenericArguments().Select(Name))}>" : type.Name;
    }

    private static string Plain(string name) => name.Split('`')[0];

    private static bool Visible(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    private static string Access(MethodBase method) => method.IsPublic ? "" : "protected ";

    private static string Modifier(MethodInfo method)
    {
        if (method.DeclaringType!.IsInterface)
            return "";
        if (method.IsStatic)
            return "static ";
        if (method.IsAbstract)
            return "abstract ";
        if (method is { IsVirtual: true, IsFinal: false })
            return method.GetBaseDefinition() == method ? "virtual " : "override ";
        return "";
    }

    private static bool IsGenerated(MethodInfo method) =>
        (method.IsSpecialName && method.Name != "op_Implicit") || method.IsDefined(typeof(CompilerGeneratedAttribute)) || method.Name.Contains('<');

    private static bool IsCopy(ConstructorInfo constructor, Type type) =>
        Kind(type).Contains("record") && constructor.GetParameters() is [var only] && only.ParameterType == type;
}
