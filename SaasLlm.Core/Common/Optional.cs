namespace SaasLlm.Core.Common;

/// <summary>A value that may be left out, where null is a value: what is left out stays as it is.</summary>
public readonly record struct Optional<T>
{
    public Optional(T value) => (IsGiven, Value) = (true, value);

    public bool IsGiven { get; }

    /// <summary>The default where it is left out.</summary>
    public T? Value { get; }

    public static implicit operator Optional<T>(T value) => new(value);

    /// <summary>The value, or <paramref name="otherwise"/> where it is left out.</summary>
    public T? Or(T? otherwise) => IsGiven ? Value : otherwise;
}
