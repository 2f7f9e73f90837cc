using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Options;

namespace SaasLlm.Core.Webhooks;

/// <summary>Which addresses webhooks may go to: tenants choose them, and the runner stands inside the operator's network.</summary>
public sealed class WebhookAddresses(IOptions<WebhookOptions> options)
{
    /// <summary>Characters of a URL.</summary>
    public const int UrlLengthMax = 2048;

    // What IANA's special-purpose registries do not call globally reachable, and what carries an IPv4 address inside.
    private static readonly IPNetwork[] s_closed =
    [
        .. new[]
        {
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
            "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24",
            "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
            // Alibaba's metadata lies in 100.64/10; Azure's host answers its guests here, on a public address.
            "168.63.129.16/32",
        }.Select(IPNetwork.Parse),
    ];

    // Of IPv6 only what is handed out for use in the world, less what is tunnelled, documented or reserved there.
    private static readonly IPNetwork s_global = IPNetwork.Parse("2000::/3");

    private static readonly IPNetwork[] s_closed6 =
        [.. new[] { "2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20" }.Select(IPNetwork.Parse)];

    private readonly IPNetwork[] _allowed = [.. options.Value.AllowedNetworks.Select(IPNetwork.Parse)];

    /// <summary>True for addresses of the public internet, and for those of the networks that the operator allows.</summary>
    public bool IsAllowed(IPAddress address)
        => IsPublic(address) || Array.Exists(_allowed, network => network.Contains(Plain(address)));

    /// <summary>True for addresses of the public internet, in whatever form.</summary>
    public static bool IsPublic(IPAddress address)
    {
        var plain = Plain(address);
        return plain.AddressFamily == AddressFamily.InterNetwork
            ? !Array.Exists(s_closed, network => network.Contains(plain))
            : s_global.Contains(plain) && !Array.Exists(s_closed6, network => network.Contains(plain));
    }

    /// <summary>What is wrong with a URL, as far as that shows without asking for its name; null: nothing.</summary>
    public string? Refuse(string url)
    {
        if (url.Length > UrlLengthMax || !Uri.TryCreate(url, UriKind.Absolute, out var uri) || url.Any(letter => letter <= ' ' || char.IsControl(letter)))
        {
            return $"must be an absolute URL of at most {UrlLengthMax} characters";
        }

        if (uri.Scheme != Uri.UriSchemeHttps && !(options.Value.AllowHttp && uri.Scheme == Uri.UriSchemeHttp))
        {
            return "must begin with https://";
        }

        if (uri.UserInfo.Length > 0 || uri.Fragment.Length > 0)
        {
            return "must not hold a user name, a password or a fragment";
        }

        return AddressOf(uri) is { } address && !IsAllowed(address) ? "must not name an address that is not public" : null;
    }

    // The address that a URL names by itself, in whatever way of writing.
    private static IPAddress? AddressOf(Uri uri)
        => uri.IsLoopback ? IPAddress.Loopback
            : IPAddress.TryParse(uri.IdnHost.Trim('[', ']'), out var address) ? address
            : null;

    private static IPAddress Plain(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
}
