using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Options;

namespace SaasLlm.Core.Webhooks.Delivery;

/// <summary>Sends a delivery once, and says what came of it. It throws for nothing a receiver can do.</summary>
internal sealed class WebhookSender(
    WebhookConnector connector, WebhookSecrets secrets, IOptions<WebhookOptions> options, TimeProvider time) : IDisposable
{
    /// <summary>Bytes of an answer that are read; the rest is not waited for.</summary>
    public const int AnswerBytesMax = 64 * 1024;

    /// <summary>Characters of an answer that are kept.</summary>
    public const int ExcerptMax = 1000;

    private static readonly MediaTypeHeaderValue s_json = new("application/json");

    private readonly HttpClient _http = new(connector.NewHandler()) { Timeout = Timeout.InfiniteTimeSpan };

    public async Task<WebhookAnswer> SendAsync(DueDelivery delivery, CancellationToken cancellation)
    {
        var started = time.GetTimestamp();
        if (SecretsOf(delivery) is not { } keys)
        {
            return new(null, WebhookError.Secret, TimeSpan.Zero);
        }

        using var limit = new CancellationTokenSource(options.Value.Timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        try
        {
            using var request = RequestOf(delivery, keys);
            using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
            var status = (int)response.StatusCode;
            var excerpt = await ReadAsync(response.Content, either.Token);
            return new(status, ErrorOf(status), time.GetElapsedTime(started), excerpt, RetryAfterOf(response.Headers.RetryAfter));
        }
        catch (Exception exception) when (!cancellation.IsCancellationRequested)
        {
            return new(null, ErrorOf(exception), time.GetElapsedTime(started));
        }
    }

    public void Dispose() => _http.Dispose();

    private List<byte[]>? SecretsOf(DueDelivery delivery)
    {
        List<byte[]> keys = [];
        foreach (var stored in new[] { delivery.Secret, delivery.PreviousSecret })
        {
            if (stored is not null && secrets.Open(stored, delivery.EndpointId) is { } key)
            {
                keys.Add(key);
            }
        }

        return keys.Count > 0 ? keys : null;
    }

    private HttpRequestMessage RequestOf(DueDelivery delivery, List<byte[]> keys)
    {
        var timestamp = time.GetUtcNow().ToUnixTimeSeconds();
        var content = new ByteArrayContent(Encoding.UTF8.GetBytes(delivery.Body));
        content.Headers.ContentType = s_json;
        var request = new HttpRequestMessage(HttpMethod.Post, delivery.Url) { Content = content };
        request.Headers.TryAddWithoutValidation("User-Agent", "SaasLlm-Webhooks/1");
        request.Headers.Add("webhook-id", delivery.MessageId.ToString());
        request.Headers.Add("webhook-timestamp", timestamp.ToString(CultureInfo.InvariantCulture));
        request.Headers.Add("webhook-signature", WebhookSignature.Of(delivery.MessageId, timestamp, delivery.Body, keys));
        return request;
    }

    // The status has decided already: what the body does, hang or break off, changes nothing.
    private static async Task<string?> ReadAsync(HttpContent content, CancellationToken cancellation)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(4096);
        try
        {
            await using var body = await content.ReadAsStreamAsync(cancellation);
            var kept = new MemoryStream();
            for (int total = 0, read; total < AnswerBytesMax && (read = await body.ReadAsync(buffer, cancellation)) > 0; total += read)
            {
                kept.Write(buffer, 0, (int)Math.Min(read, Math.Max(0, (4 * ExcerptMax) - kept.Length)));
            }

            return ExcerptOf(kept);
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException or HttpRequestException or InvalidDataException)
        {
            return null;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static string? ExcerptOf(MemoryStream kept)
    {
        var text = Encoding.UTF8.GetString(kept.GetBuffer(), 0, (int)kept.Length);
        var plain = new string([.. text.Take(ExcerptMax).Select(letter => char.IsControl(letter) || char.IsSurrogate(letter) ? ' ' : letter)]).Trim();
        return plain.Length > 0 ? plain : null;
    }

    private TimeSpan? RetryAfterOf(RetryConditionHeaderValue? header)
        => header?.Delta ?? (header?.Date is { } date ? date - time.GetUtcNow() : null);

    private static string? ErrorOf(int status) => status switch
    {
        >= 200 and < 300 => null,
        >= 300 and < 400 => WebhookError.Redirect,
        _ => WebhookError.Status,
    };

    private static string ErrorOf(Exception exception) => exception switch
    {
        OperationCanceledException or TimeoutException => WebhookError.Timeout,
        AddressRefusedException => WebhookError.AddressRefused,
        SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.TryAgain or SocketError.NoData } => WebhookError.NameNotFound,
        SocketException => WebhookError.Connection,
        HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } => WebhookError.Tls,
        HttpRequestException { InnerException: { } inner } and { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError } => ErrorOf(inner),
        HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError } => WebhookError.Connection,
        HttpRequestException { InnerException: AddressRefusedException inner } => ErrorOf(inner),
        _ => WebhookError.Protocol,
    };
}
