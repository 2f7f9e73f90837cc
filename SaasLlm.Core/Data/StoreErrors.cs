using Npgsql;
using SaasLlm.Core.Common;

namespace SaasLlm.Core.Data;

/// <summary>Tells "Postgres is not there" from "Postgres said no", in one place.</summary>
public static class StoreErrors
{
    /// <summary>True when the server is gone, going, starting, full, or too slow: a repeat may succeed, and nothing is wrong with the statement.</summary>
    public static bool IsUnavailable(Exception exception) => exception switch
    {
        PostgresException refused => IsUnavailable(refused.SqlState),
        // A broken connection, a refused one, or a timeout: all come without a SQLSTATE.
        NpgsqlException => true,
        TimeoutException or IOException or System.Net.Sockets.SocketException => true,
        _ => exception.InnerException is { } inner && IsUnavailable(inner),
    };

    /// <summary>True when Postgres refused a statement by the constraint of that name.</summary>
    public static bool Violates(Exception exception, string constraint)
        => (exception as PostgresException ?? exception.InnerException as PostgresException)?.ConstraintName == constraint;

    /// <summary>The answer for it: 503 <c>store.unavailable</c>.</summary>
    public static Failure Unavailable { get; } = new(
        FailureKind.Unavailable, "store.unavailable", "The store does not answer. Nothing was accepted; try again.")
    {
        RetryAfter = TimeSpan.FromSeconds(1),
    };

    // 08 connection, 53 resources, 57P01/02/03 shutdown, crash and start-up, 55P03 a lock not had in time.
    private static bool IsUnavailable(string state)
        => state.StartsWith("08", StringComparison.Ordinal)
           || state.StartsWith("53", StringComparison.Ordinal)
           || state.StartsWith("57P0", StringComparison.Ordinal)
           || state is PostgresErrorCodes.LockNotAvailable;
}
