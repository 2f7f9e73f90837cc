using System.ComponentModel.DataAnnotations;

namespace SaasLlm.Core.Credits;

/// <summary>How the ledger's writer and its Redis side behave. Section <c>Ledger</c>.</summary>
public sealed class LedgerOptions
{
    public const string Section = "Ledger";

    /// <summary>The most commands one transaction takes.</summary>
    [Range(1, 2000)]
    public int BatchSizeMax { get; set; } = 256;

    /// <summary>The most commands that wait; more callers wait to get in.</summary>
    [Range(16, 100_000)]
    public int QueueLengthMax { get; set; } = 4096;

    /// <summary>How long completing a job waits for a call of it that still runs.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:01:00")]
    public TimeSpan CompleteWait { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a statement of the writer may take.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:05:00")]
    public TimeSpan StatementTimeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>How long the writer waits for another transaction's row lock.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:01:00")]
    public TimeSpan LockTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long the writer looks for the rows of a COMMIT whose reply was lost.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:01:00")]
    public TimeSpan LookUpPatience { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>The limit of one call to Redis.</summary>
    [Range(typeof(TimeSpan), "00:00:00.01", "00:00:05")]
    public TimeSpan RedisTimeout { get; set; } = TimeSpan.FromMilliseconds(250);

    /// <summary>How long Redis is left alone after failures in a row.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:01:00")]
    public TimeSpan RedisRest { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>How long a reservation in Redis lives without a job row.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:05:00")]
    public TimeSpan ReservationLease { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a balance lives in Redis before it is read from Postgres anew.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan BalanceLife { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>A refusal from a balance older than this is confirmed in Postgres.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:01:00")]
    public TimeSpan RefusalAgeMax { get; set; } = TimeSpan.FromSeconds(1);
}
