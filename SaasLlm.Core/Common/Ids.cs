namespace SaasLlm.Core.Common;

/// <summary>A job's id: a UUIDv7, so that ids sort by time and partitions can be cut by them.</summary>
public readonly record struct JobId(Guid Value)
{
    public static JobId New(TimeProvider time) => new(Uuid7.New(time));

    public override string ToString() => Value.ToString();
}

/// <summary>The id of one logical LLM request inside a job (UUIDv7).</summary>
public readonly record struct CallId(Guid Value)
{
    public static CallId New(TimeProvider time) => new(Uuid7.New(time));

    public override string ToString() => Value.ToString();
}

/// <summary>The id of one upstream try of a call (UUIDv7).</summary>
public readonly record struct AttemptId(Guid Value)
{
    public static AttemptId New(TimeProvider time) => new(Uuid7.New(time));

    public override string ToString() => Value.ToString();
}

/// <summary>The id of a ledger entry (UUIDv7).</summary>
public readonly record struct TransactionId(Guid Value)
{
    public static TransactionId New(TimeProvider time) => new(Uuid7.New(time));

    public override string ToString() => Value.ToString();
}

/// <summary>The id of credits that were granted together: that of the transaction which granted them.</summary>
public readonly record struct LotId(Guid Value)
{
    public override string ToString() => Value.ToString();
}

/// <summary>Makes UUIDv7 values from an injected clock.</summary>
public static class Uuid7
{
    public static Guid New(TimeProvider time) => Guid.CreateVersion7(time.GetUtcNow());
}
