using System.Diagnostics.CodeAnalysis;

namespace SaasLlm.Core.Common;

/// <summary>Either a value or a <see cref="Common.Failure"/>.</summary>
public readonly struct Result<T>
{
    private readonly T? _value;

    private Result(T? value, Failure? failure)
    {
        _value = value;
        Failure = failure;
    }

    /// <summary>The refusal, or null when there is a value.</summary>
    public Failure? Failure { get; }

    /// <summary>The value. Throws when this is a failure: ask <see cref="TryGet"/> or <see cref="Failure"/> first.</summary>
    public T Value => Failure is null ? _value! : throw new InvalidOperationException($"No value: {Failure.Code}");

    /// <summary>Tells the two apart in one step.</summary>
    public bool TryGet([MaybeNullWhen(false)] out T value, [NotNullWhen(false)] out Failure? failure)
    {
        value = _value;
        failure = Failure;
        return failure is null;
    }

    /// <summary>Continues with whichever is there.</summary>
    public TResult Match<TResult>(Func<T, TResult> value, Func<Failure, TResult> failure)
        => Failure is null ? value(_value!) : failure(Failure);

    /// <summary>Changes the value, keeps the failure.</summary>
    public Result<TOther> Map<TOther>(Func<T, TOther> map) => Failure is null ? map(_value!) : Failure;

    public static implicit operator Result<T>(T value) => new(value, null);

    public static implicit operator Result<T>(Failure failure) => new(default, failure);
}
