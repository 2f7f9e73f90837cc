using System.Net;
using System.Net.Http.Headers;
using Microsoft.Extensions.Options;
using SaasLlm.Core.Llm.Answers;

namespace SaasLlm.Core.Llm.Gateway;

/// <summary>
/// Sends one attempt and brings back whatever came. Never retries: a repeated completion is bought twice. Never throws for anything the
/// other side does.
/// </summary>
public sealed class CompletionClient(HttpClient http, IOptions<GatewayOptions> options, TimeProvider time)
{
    private static readonly TimeSpan s_retryAfterMax = TimeSpan.FromDays(1);

    /// <summary>One try of a call that is answered whole.</summary>
    /// <param name="to">With its key.</param>
    /// <param name="path">For example <c>v1/chat/completions</c>.</param>
    /// <param name="body">JSON, as it goes out.</param>
    /// <param name="timeout">For headers and body together.</param>
    public async Task<GatewayAnswer> CompleteAsync(GatewayTarget to, string path, ReadOnlyMemory<byte> body, TimeSpan timeout)
    {
        using var request = to.NewRequest(path, body);
        using var deadline = new CancellationTokenSource(timeout, time);
        try
        {
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, deadline.Token);
            return await ReadAnswerAsync(response, options.Value.AnswerBytesMax, time, deadline.Token);
        }
        catch (OperationCanceledException exception)
        {
            return new(0, default, deadline.IsCancellationRequested ? TransportFault.TimedOut : FaultOf(exception));
        }
        catch (HttpRequestException exception)
        {
            return new(0, default, FaultOf(exception));
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException or InvalidOperationException or ProtocolViolationException)
        {
            return new(0, default, TransportFault.Cut);
        }
    }

    /// <summary>A whole answer; one that is longer than allowed counts as cut.</summary>
    internal static async Task<GatewayAnswer> ReadAnswerAsync(
        HttpResponseMessage response, int bytesMax, TimeProvider time, CancellationToken cancellation)
    {
        if (await ReadAsync(response, bytesMax, cancellation) is not { } bytes)
        {
            return new(0, default, TransportFault.Cut);
        }

        var answer = new GatewayAnswer((int)response.StatusCode, bytes, RetryAfter: RetryAfter(response, time), CostUsd: Cost(response));
        SpreadHandler.Judge(response.Content, answer);
        return answer;
    }

    /// <summary>Whether there was a connection at all.</summary>
    internal static TransportFault FaultOf(Exception exception) => IsUnsent(exception) ? TransportFault.NotConnected : TransportFault.Cut;

    /// <summary>
    /// True where no connection was made, so that nothing was sent. The handler reports its limit for making one as a cancellation that a
    /// <see cref="TimeoutException"/> caused; above it, where the request's own limit does so too, ask for that first.
    /// </summary>
    internal static bool IsUnsent(Exception exception) => exception switch
    {
        HttpRequestException failed => failed.HttpRequestError
            is HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError,
        OperationCanceledException { InnerException: TimeoutException } => true,
        _ => false,
    };

    private static decimal? Cost(HttpResponseMessage response)
        => response.Headers.NonValidated.TryGetValues(GatewayCost.Header, out var values) ? GatewayCost.Parse(values.ToString()) : null;

    // Null: longer than allowed.
    private static async Task<byte[]?> ReadAsync(HttpResponseMessage response, int max, CancellationToken cancellation)
    {
        await using var stream = await response.Content.ReadAsStreamAsync(cancellation);
        if (response.Content.Headers.ContentLength is { } length)
        {
            if (length > max)
            {
                return null;
            }

            var whole = new byte[length];
            await stream.ReadExactlyAsync(whole, cancellation);
            return whole;
        }

        using var copy = new MemoryStream();
        var buffer = new byte[16 * 1024];
        while (await stream.ReadAsync(buffer, cancellation) is > 0 and var read)
        {
            if (copy.Length + read > max)
            {
                return null;
            }

            copy.Write(buffer, 0, read);
        }

        return copy.ToArray();
    }

    // The provider's own arrives as llm_provider-retry-after, as seconds or as a date.
    private static TimeSpan? RetryAfter(HttpResponseMessage response, TimeProvider time)
    {
        var header = response.Headers.RetryAfter;
        if (header is null && response.Headers.TryGetValues("llm_provider-retry-after", out var values)
            && RetryConditionHeaderValue.TryParse(values.FirstOrDefault(), out var providers))
        {
            header = providers;
        }

        var wait = header?.Delta ?? header?.Date - time.GetUtcNow();
        return wait is { } given && given > TimeSpan.Zero ? (given < s_retryAfterMax ? given : s_retryAfterMax) : null;
    }
}
