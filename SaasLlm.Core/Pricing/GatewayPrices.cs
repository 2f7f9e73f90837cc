using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using SaasLlm.Core.Common;
using SaasLlm.Core.Llm.Gateway;

namespace SaasLlm.Core.Pricing;

/// <summary>
/// Takes the gateway's price list (<c>/model/info</c>) into the book. By itself it takes what is new; a price that changed there waits for the
/// operator, unless <see cref="PricingOptions.Import"/> says otherwise. A model that is no longer listed keeps its price: a gateway that lost
/// its database lists less than it serves.
/// </summary>
public sealed partial class GatewayPrices(
    GatewayAdmin gateway, PriceWriter writer, IOptions<PricingOptions> options, IOptions<GatewayOptions> gatewayOptions,
    PricingTelemetry telemetry, TimeProvider time, ILogger<GatewayPrices> logger)
{
    private const string Automatic = "The gateway's list.";

    private static readonly TimeSpan s_readMax = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan s_retryAfterFailure = TimeSpan.FromSeconds(2);

    private static readonly Failure s_noList = new(FailureKind.Conflict, "pricing.no_gateway_list", "This gateway has no price list: state prices yourself.");

    private static readonly Failure s_unread = new(FailureKind.Unavailable, "llm.gateway_unavailable", "The gateway's price list could not be read; repeat in a moment.")
    {
        RetryAfter = s_retryAfterFailure,
    };

    private readonly Lock _gate = new();
    private Task<bool> _taking = Task.FromResult(false);
    private long? _readAt;
    private TimeSpan _lifetime;
    private bool _wasRead;
    private int _waiting;
    private string _skipped = "";

    /// <summary>False while the gateway's list was never read.</summary>
    public bool IsKnown => !IsAutomatic || Volatile.Read(ref _wasRead);

    /// <summary>True once this process has tried to read it.</summary>
    public bool WasTried
    {
        get
        {
            lock (_gate)
            {
                return _readAt is not null;
            }
        }
    }

    /// <summary>True where prices are taken from the gateway without being told.</summary>
    public bool IsAutomatic => gatewayOptions.Value.IsLiteLlm && options.Value.Import != PricingOptions.ImportOff;

    /// <summary>
    /// Takes what is new, for a model that has no price: callers share one reading, and the list is not read again before
    /// <see cref="PricingOptions.RefreshInterval"/> is over. False: nothing was read now, so there is no reason to look again.
    /// </summary>
    public async Task<bool> TakeNewAsync(CancellationToken cancellation)
    {
        if (!IsAutomatic)
        {
            return false;
        }

        Task<bool> taking;
        lock (_gate)
        {
            if (_taking.IsCompleted && (_readAt is not { } readAt || time.GetElapsedTime(readAt) > _lifetime))
            {
                _taking = TakeAsync();
            }
            else if (_taking.IsCompleted)
            {
                return false;
            }

            taking = _taking;
        }

        return await taking.WaitAsync(cancellation);
    }

    /// <summary>
    /// Compares the gateway's list with what the book has of it, and states what differs. 503 <c>llm.gateway_unavailable</c>,
    /// 409 <c>pricing.no_gateway_list</c> for a plain base URL.
    /// </summary>
    /// <exception cref="Npgsql.NpgsqlException">Postgres did not answer.</exception>
    public async Task<Result<PriceImport>> ImportAsync(ImportOrder order, CancellationToken cancellation)
    {
        if (!gatewayOptions.Value.IsLiteLlm)
        {
            return s_noList;
        }

        if (await ReadAsync() is not { } listed)
        {
            return s_unread;
        }

        if (order.IsDryRun)
        {
            return PriceImport.Compare(await writer.StandingAsync(PriceSource.Gateway, cancellation), listed);
        }

        PriceImport? import = null;
        var version = await writer.WriteAsync(PriceSource.Gateway, order.Reason, standing =>
        {
            import = PriceImport.Compare(standing, listed);
            return import.States(order);
        }, cancellation);
        return import! with { Version = version };
    }

    /// <summary>What happens by itself: new prices are taken, and those that changed where that is wanted.</summary>
    public async Task<bool> TakeAsync()
    {
        var takesChanges = options.Value.Import == PricingOptions.ImportAll;
        var isDone = false;
        try
        {
            if ((await ImportAsync(new(Automatic, TakesChanges: takesChanges), CancellationToken.None)).TryGet(out var import, out _))
            {
                isDone = true;
                Volatile.Write(ref _wasRead, true);
                Tell(import, takesChanges ? 0 : import.Changed.Count);
            }

            return isDone;
        }
        finally
        {
            lock (_gate)
            {
                (_readAt, _lifetime) = (time.GetTimestamp(), isDone ? options.Value.RefreshInterval : s_retryAfterFailure);
            }
        }
    }

    private void Tell(PriceImport import, int waiting)
    {
        telemetry.PricesWaiting(waiting);
        var skipped = string.Join(", ", import.Skipped);
        if (Interlocked.Exchange(ref _skipped, skipped) != skipped && skipped.Length > 0)
        {
            LogSkipped(skipped);
        }

        if (import.Version is { } version)
        {
            LogTaken(version, import.Added.Count, import.Changed.Count - waiting);
        }

        if (Interlocked.Exchange(ref _waiting, waiting) != waiting && waiting > 0)
        {
            LogWaiting(waiting, import.Changed[0].ModelName);
        }
    }

    private async Task<GatewayPriceList?> ReadAsync()
    {
        try
        {
            using var limit = new CancellationTokenSource(s_readMax, time);
            return await gateway.ReadPricesAsync(limit.Token);
        }
        catch (Exception exception)
            when (exception is HttpRequestException or OperationCanceledException or JsonException or IOException or KeyNotFoundException or InvalidOperationException)
        {
            LogPricesUnread(exception);
            return null;
        }
    }

    [LoggerMessage(5001, LogLevel.Warning, "The gateway's price list could not be read; the book stays as it is")]
    private partial void LogPricesUnread(Exception exception);

    [LoggerMessage(5006, LogLevel.Warning, "The gateway's prices of {Models} depend on the length of the prompt and are not taken; one that was taken before stays: state prices with PUT /api/prices/models")]
    private partial void LogSkipped(string models);

    [LoggerMessage(5002, LogLevel.Information, "Version {Version} of the price book: {Added} prices of the gateway are new, {Changed} changed")]
    private partial void LogTaken(long version, int added, int changed);

    [LoggerMessage(5003, LogLevel.Warning, "{Count} prices differ at the gateway, {Model} among them, and wait: PUT /api/prices/import takes them")]
    private partial void LogWaiting(int count, string model);
}
