using SaasLlm.Core.Background;

namespace SaasLlm.Core.Idempotency;

/// <summary>Removes Idempotency-Keys, and the answers kept under them, after their 24 hours.</summary>
public sealed class ForgetIdempotencyKeysPass(Npgsql.NpgsqlDataSource source) : IScheduledPass
{
    /// <summary>Rows of one batch: answers are large.</summary>
    public const int BatchSizeMax = 500;

    private readonly IdempotencyStore _store = new(source);

    public TimeSpan Interval => TimeSpan.FromMinutes(1);

    /// <inheritdoc/>
    public async Task<bool> RunAsync(CancellationToken cancellation)
        => await _store.RemoveOverAsync(BatchSizeMax, cancellation) == BatchSizeMax;
}
