using System.ComponentModel.DataAnnotations;
using System.Net;
using Microsoft.Extensions.Options;

namespace SaasLlm.Core.Webhooks;

/// <summary>Where webhooks may go, and how they are delivered. Section <c>Webhooks</c>.</summary>
public sealed class WebhookOptions
{
    public const string Section = "Webhooks";

    /// <summary>Whether <c>http:</c> addresses are accepted as well; their events travel in the open.</summary>
    public bool AllowHttp { get; set; }

    /// <summary>
    /// Networks that webhooks may go to although they are not public, for example <c>10.1.0.0/16</c>. Who registers a webhook can
    /// have requests sent there.
    /// </summary>
    public List<string> AllowedNetworks { get; set; } = [];

    /// <summary>The most tries under way to one endpoint, over all runners; to one that fails, a single one.</summary>
    [Range(1, 64)]
    public int EndpointTriesMax { get; set; } = 4;

    /// <summary>The most tries under way in one runner.</summary>
    [Range(1, 10_000)]
    public int TriesMax { get; set; } = 256;

    /// <summary>Messages that one pass takes from the outbox.</summary>
    [Range(1, 10_000)]
    public int RelayBatchSize { get; set; } = 500;

    /// <summary>How long a runner rests that found nothing to relay, or nothing to deliver.</summary>
    [Range(typeof(TimeSpan), "00:00:00.01", "00:01:00")]
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromMilliseconds(500);

    /// <summary>A whole try, from the look-up of the name to the end of the answer.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:01:00")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>How long a try is taken for alive without a word of its runner; longer than <see cref="Timeout"/>.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan Lease { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>How long an endpoint may go on failing without a success before it is switched off; a day and a half without a try begins it anew.</summary>
    [Range(typeof(TimeSpan), "01:00:00", "90.00:00:00")]
    public TimeSpan DisableAfter { get; set; } = TimeSpan.FromDays(5);
}

internal sealed class WebhookOptionsValidator : IValidateOptions<WebhookOptions>
{
    public ValidateOptionsResult Validate(string? name, WebhookOptions options)
    {
        List<string> faults = [.. options.AllowedNetworks
            .Where(network => !IPNetwork.TryParse(network, out _))
            .Select(network => $"Webhooks:AllowedNetworks holds '{network}', which is no network such as 10.1.0.0/16.")];
        if (options.Lease <= options.Timeout)
        {
            faults.Add("Webhooks:Lease must be longer than Webhooks:Timeout.");
        }

        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }
}
