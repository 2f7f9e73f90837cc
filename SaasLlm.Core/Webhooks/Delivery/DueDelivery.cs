namespace SaasLlm.Core.Webhooks.Delivery;

/// <summary>A delivery that this runner has claimed.</summary>
/// <param name="Tries">Before this one.</param>
/// <param name="Secret">Encrypted; so is the one before it, while that still signs.</param>
internal sealed record DueDelivery(
    Guid EndpointId, Guid MessageId, Guid LeaseToken, string Topic, string Body, int Tries, string Url, byte[] Secret, byte[]? PreviousSecret);

/// <summary>What a try met.</summary>
/// <param name="HttpStatus">Null: there was no answer.</param>
/// <param name="Error">One of <see cref="WebhookError"/>; null when the receiver took it.</param>
/// <param name="RetryAfter">What the receiver asked for.</param>
internal sealed record WebhookAnswer(int? HttpStatus, string? Error, TimeSpan Latency, string? Excerpt = null, TimeSpan? RetryAfter = null)
{
    public bool IsDelivered => Error is null;
}

/// <summary>What can be wrong with a try: a closed list, for logs, metrics and the delivery log.</summary>
internal static class WebhookError
{
    /// <summary>The status was none of 2xx.</summary>
    public const string Status = "http_status";

    /// <summary>A 3xx: redirects are not followed.</summary>
    public const string Redirect = "redirect";
    public const string Timeout = "timeout";
    public const string NameNotFound = "name_not_found";

    /// <summary>The name leads to an address that is not public.</summary>
    public const string AddressRefused = "address_refused";
    public const string Connection = "connection_failed";
    public const string Tls = "tls_failed";

    /// <summary>The answer was no HTTP, or ended too early.</summary>
    public const string Protocol = "invalid_response";

    /// <summary>The secret is not readable: the encryption key is another one.</summary>
    public const string Secret = "secret_unreadable";
}

/// <summary>A try that is over, and what becomes of its delivery.</summary>
/// <param name="State">One of <see cref="WebhookDeliveryState"/>.</param>
/// <param name="Delay">To the next try, where there is one.</param>
internal sealed record FinishedTry(DueDelivery Delivery, WebhookAnswer Answer, string State, TimeSpan Delay)
{
    /// <summary>The receiver said 410.</summary>
    public bool IsGone => Answer.HttpStatus == 410;

    public static FinishedTry Of(DueDelivery delivery, WebhookAnswer answer, double chance)
    {
        var next = answer.IsDelivered || answer.HttpStatus == 410 ? null : RetrySchedule.Next(delivery.Tries + 1, answer.RetryAfter, chance);
        return new(
            delivery,
            answer,
            answer.IsDelivered ? WebhookDeliveryState.Delivered : next is null ? WebhookDeliveryState.Dead : WebhookDeliveryState.Pending,
            next ?? TimeSpan.Zero);
    }
}
