namespace SaasLlm.Core.Credits.Reconciliation;

/// <summary>What two records of the same money can disagree about. A closed set: it is a metric's tag.</summary>
public static class DifferenceKind
{
    /// <summary>The account's <c>allocated</c> against its grants, expiries and adjustments.</summary>
    public const string Allocated = "allocated";

    /// <summary>The account's <c>used</c> against its deductions and refunds.</summary>
    public const string Used = "used";

    /// <summary>The account's <c>month_used</c> against that month's deductions and refunds.</summary>
    public const string MonthUsed = "month_used";

    /// <summary>The account's <c>last_sequence</c> against its newest transaction.</summary>
    public const string LastSequence = "last_sequence";

    /// <summary>A transaction's <c>credits_before</c> against the <c>credits_after</c> of the one before it. Subject: its sequence.</summary>
    public const string Chain = "chain";

    /// <summary>A transaction's sequence against that of the one before it, and one. Subject: its sequence.</summary>
    public const string ChainGap = "chain_gap";

    /// <summary>A transaction's <c>credits_after</c> against its <c>credits_before</c> and amount. Subject: its sequence.</summary>
    public const string TransactionSum = "transaction_sum";

    /// <summary>A transaction's amount against what it added to its lots. Subject: its sequence.</summary>
    public const string TransactionLots = "transaction_lots";

    /// <summary>What remains in all lots against what remains in the account.</summary>
    public const string LotsRemaining = "lots_remaining";

    /// <summary>What is reserved in all lots against what the account holds.</summary>
    public const string LotsReserved = "lots_reserved";

    /// <summary>What remains in a lot against the transactions that name it. Subject: the lot.</summary>
    public const string LotRemaining = "lot_remaining";

    /// <summary>What a lot was granted against the transaction that granted it. Subject: the lot.</summary>
    public const string LotGranted = "lot_granted";

    /// <summary>What is reserved in a lot against the open jobs that hold it. Subject: the lot.</summary>
    public const string LotReserved = "lot_reserved";

    /// <summary>What the account holds against its open jobs.</summary>
    public const string Held = "held";

    /// <summary>What a job was charged against its deductions. Subject: the job.</summary>
    public const string JobDeduction = "job_deduction";

    /// <summary>The number of a job's deductions against one, or none. Subject: the job.</summary>
    public const string JobDeductionCount = "job_deduction_count";

    /// <summary>What a job was refunded against its refunds. Subject: the job.</summary>
    public const string JobRefund = "job_refund";

    /// <summary>What a job holds or was charged against the lots that it names. Subject: the job.</summary>
    public const string JobLots = "job_lots";

    /// <summary>What a charged job says that it burned of a lot against its deduction. Subject: the job, then the lot.</summary>
    public const string JobBurned = "job_burned";

    /// <summary>Redis' balance, or price of a job, at the account's own version against the account.</summary>
    public const string RedisBalance = "redis_balance";

    /// <summary>A balance in Redis that lags behind an account at rest: a push was lost.</summary>
    public const string RedisBehind = "redis_behind";

    /// <summary>A balance in Redis newer than any that Postgres knows.</summary>
    public const string RedisAhead = "redis_ahead";

    /// <summary>What Redis says is set aside against the reservations that it lists.</summary>
    public const string RedisPending = "redis_pending";

    /// <summary>Holds that Redis knows and Postgres does not.</summary>
    public const string RedisHolds = "redis_holds";

    /// <summary>Inside Postgres: reported, never repaired.</summary>
    public static IReadOnlyList<string> InPostgres { get; } =
    [
        Allocated, Used, MonthUsed, LastSequence, Chain, ChainGap, TransactionSum, TransactionLots, LotsRemaining, LotsReserved,
        LotRemaining, LotGranted, LotReserved, Held, JobDeduction, JobDeductionCount, JobRefund, JobLots, JobBurned,
    ];

    /// <summary>Between Redis and Postgres: repaired.</summary>
    public static IReadOnlyList<string> InRedis { get; } = [RedisBalance, RedisBehind, RedisAhead, RedisPending, RedisHolds];
}
