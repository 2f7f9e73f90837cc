using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using SaasLlm.Core.Data;

namespace SaasLlm.Core.Webhooks.Delivery;

/// <summary>
/// Keeps tries under way: claims what is due while there is room, sends each by itself, and writes what they found in groups. A receiver
/// that is slow holds its own few places, and nobody waits for it.
/// </summary>
internal sealed partial class DeliveryPump(
    DeliveryStore store, WebhookSender sender, WebhookTelemetry telemetry, IOptions<WebhookOptions> options, TimeProvider time,
    ILogger<DeliveryPump> logger) : BackgroundService
{
    private static readonly TimeSpan s_saveAgain = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_backOff = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<Task, bool> _running = [];
    private readonly ConcurrentQueue<FinishedTry> _found = [];
    private readonly SemaphoreSlim _saving = new(1, 1);
    private readonly SemaphoreSlim _freed = new(0);
    private int _places = options.Value.TriesMax;

    /// <summary>Claims what there is room for and begins to send it. The number of tries begun.</summary>
    public async Task<int> RunPassAsync(CancellationToken cancellation)
    {
        var places = Volatile.Read(ref _places);
        if (places == 0)
        {
            return 0;
        }

        var claimed = await store.ClaimAsync(places, cancellation);
        telemetry.Waits(claimed.OldestWait);
        foreach (var delivery in claimed.Deliveries)
        {
            Interlocked.Decrement(ref _places);
            var sending = Task.Run(() => TryAsync(delivery), CancellationToken.None);
            _running.TryAdd(sending, true);
            _ = sending.ContinueWith(over => _running.TryRemove(over, out _), TaskScheduler.Default);
        }

        return claimed.Deliveries.Count;
    }

    /// <summary>Until all tries that were begun are over and written.</summary>
    public Task IdleAsync() => Task.WhenAll(_running.Keys);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            var rest = options.Value.PollInterval;
            try
            {
                if (await RunPassAsync(stoppingToken) > 0)
                {
                    continue;
                }
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                LogClaimFailed(exception);
                rest = s_backOff;
            }

            // A try that ends may have made room for the next of its endpoint.
            await ((Task)_freed.WaitAsync(rest, stoppingToken)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        // A try that was begun is ended: cut off here, its receiver would hear it twice.
        await IdleAsync();
    }

    private async Task TryAsync(DueDelivery delivery)
    {
        try
        {
            using var activity = WebhookTelemetry.StartTry(delivery);
            var answer = await sender.SendAsync(delivery, CancellationToken.None);
            var found = FinishedTry.Of(delivery, answer, Random.Shared.NextDouble());
            activity?.SetTag("saasllm.webhooks.state", found.State).SetTag("http.response.status_code", answer.HttpStatus);
            telemetry.Tried(found);
            if (found.State == WebhookDeliveryState.Dead)
            {
                LogDead(delivery.MessageId, delivery.EndpointId, answer.Error);
            }

            await SaveAsync(found);
        }
        catch (Exception exception)
        {
            // Its lease lapses, and it is sent again.
            LogTryLost(exception, delivery.MessageId, delivery.EndpointId);
        }
        finally
        {
            Interlocked.Increment(ref _places);
            if (_freed.CurrentCount == 0)
            {
                _freed.Release();
            }
        }
    }

    // Whoever comes to write takes along what others have found meanwhile.
    private async Task SaveAsync(FinishedTry found)
    {
        _found.Enqueue(found);
        await _saving.WaitAsync();
        try
        {
            List<FinishedTry> tries = [];
            while (_found.TryDequeue(out var next))
            {
                tries.Add(next);
            }

            if (tries.Count > 0)
            {
                await SaveAsync(tries);
            }
        }
        finally
        {
            _saving.Release();
        }
    }

    private async Task SaveAsync(List<FinishedTry> tries)
    {
        var until = time.GetTimestamp() + (long)(options.Value.Lease.TotalSeconds * time.TimestampFrequency);
        while (true)
        {
            try
            {
                foreach (var endpoint in await store.SaveAsync(tries, CancellationToken.None))
                {
                    telemetry.Disabled(endpoint.Reason);
                    LogDisabled(endpoint.WebhookId, endpoint.Reason);
                }

                return;
            }
            catch (Exception exception) when (StoreErrors.IsUnavailable(exception) && time.GetTimestamp() < until)
            {
                await Task.Delay(s_saveAgain, time);
            }
        }
    }

    [LoggerMessage(1501, LogLevel.Error, "Deliveries of webhooks could not be claimed")]
    private partial void LogClaimFailed(Exception exception);

    [LoggerMessage(1502, LogLevel.Warning, "Message {MessageId} is given up for webhook {WebhookId}: {Error}")]
    private partial void LogDead(Guid messageId, Guid webhookId, string? error);

    [LoggerMessage(1503, LogLevel.Warning, "What a try of message {MessageId} for webhook {WebhookId} found could not be written; it will be sent again")]
    private partial void LogTryLost(Exception exception, Guid messageId, Guid webhookId);

    [LoggerMessage(1504, LogLevel.Warning, "Webhook {WebhookId} is switched off: {Reason}")]
    private partial void LogDisabled(Guid webhookId, string reason);
}
