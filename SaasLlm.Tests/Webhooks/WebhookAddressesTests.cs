using System.Net;
using Microsoft.Extensions.Options;
using SaasLlm.Core.Webhooks;

namespace SaasLlm.Tests.Webhooks;

/// <summary>Where webhooks may go.</summary>
public sealed class WebhookAddressesTests
{
    [Theory]
    [InlineData("8.8.8.8")]
    [InlineData("172.15.255.255")]
    [InlineData("172.32.0.1")]
    [InlineData("100.63.255.255")]
    [InlineData("100.128.0.1")]
    [InlineData("169.253.255.255")]
    [InlineData("198.17.255.255")]
    [InlineData("223.255.255.255")]
    [InlineData("2606:4700::1111")]
    [InlineData("2a00:1450:4001::1")]
    [InlineData("::ffff:8.8.8.8")]
    public void What_is_public_is_public(string address) => Assert.True(WebhookAddresses.IsPublic(IPAddress.Parse(address)));

    [Theory]
    [InlineData("0.0.0.0")]
    [InlineData("0.1.2.3")]
    [InlineData("10.0.0.1")]
    [InlineData("100.64.0.1")]
    [InlineData("100.100.100.200")] // Alibaba's metadata
    [InlineData("127.0.0.1")]
    [InlineData("127.255.255.254")]
    [InlineData("168.63.129.16")] // Azure's host
    [InlineData("169.254.169.254")]
    [InlineData("172.16.0.1")]
    [InlineData("172.31.255.255")]
    [InlineData("192.0.0.192")] // Oracle's metadata
    [InlineData("192.0.2.1")]
    [InlineData("192.88.99.1")]
    [InlineData("192.168.1.1")]
    [InlineData("198.18.0.1")]
    [InlineData("198.19.255.255")]
    [InlineData("198.51.100.1")]
    [InlineData("203.0.113.1")]
    [InlineData("224.0.0.1")]
    [InlineData("239.255.255.255")]
    [InlineData("240.0.0.1")]
    [InlineData("255.255.255.255")]
    [InlineData("::")]
    [InlineData("::1")]
    [InlineData("::127.0.0.1")] // compatible
    [InlineData("::ffff:127.0.0.1")] // mapped
    [InlineData("::ffff:169.254.169.254")]
    [InlineData("::ffff:0:127.0.0.1")] // translated
    [InlineData("64:ff9b::7f00:1")] // NAT64
    [InlineData("64:ff9b:1::a00:1")]
    [InlineData("100::1")]
    [InlineData("2001::7f00:1")] // Teredo
    [InlineData("2001:db8::1")]
    [InlineData("2002:7f00:1::")] // 6to4
    [InlineData("3fff::1")]
    [InlineData("5f00::1")]
    [InlineData("fc00::1")]
    [InlineData("fd00:ec2::254")] // AWS's metadata
    [InlineData("fe80::1")]
    [InlineData("fe80::1%1")]
    [InlineData("fec0::1")]
    [InlineData("ff02::1")]
    public void What_is_not_public_is_refused(string address) => Assert.False(WebhookAddresses.IsPublic(IPAddress.Parse(address)));

    [Theory]
    [InlineData("10.1.2.3", true)]
    [InlineData("::ffff:10.1.2.3", true)]
    [InlineData("10.2.0.1", false)]
    [InlineData("fd12::1", true)]
    [InlineData("fd13::1", false)]
    [InlineData("127.0.0.1", false)]
    [InlineData("8.8.8.8", true)]
    public void The_operator_may_allow_networks(string address, bool isAllowed)
        => Assert.Equal(isAllowed, Of(networks: ["10.1.0.0/16", "fd12::/16"]).IsAllowed(IPAddress.Parse(address)));

    [Theory]
    [InlineData("https://example.com/hook")]
    [InlineData("https://example.com:8443/hook?a=1")]
    [InlineData("https://8.8.8.8/")]
    [InlineData("https://[2606:4700::1111]/hook")]
    public void A_public_https_url_is_accepted(string url) => Assert.Null(Of().Refuse(url));

    [Theory]
    [InlineData("")]
    [InlineData("/hook")]
    [InlineData("example.com")]
    [InlineData("http://example.com/")]
    [InlineData("ftp://example.com/")]
    [InlineData("file:///etc/passwd")]
    [InlineData("https://")]
    [InlineData("https://user@example.com/")]
    [InlineData("https://user:secret@example.com/")]
    [InlineData("https://example.com/#part")]
    [InlineData("https://example.com/a b")]
    [InlineData(" https://example.com/")]
    [InlineData("https://localhost/")]
    [InlineData("https://LOCALHOST:8443/")]
    [InlineData("https://127.0.0.1/")]
    [InlineData("https://127.1/")]
    [InlineData("https://2130706433/")]
    [InlineData("https://0x7f000001/")]
    [InlineData("https://0177.0.0.1/")]
    [InlineData("https://10.0.0.8/")]
    [InlineData("https://169.254.169.254/latest/meta-data")]
    [InlineData("https://[::1]/")]
    [InlineData("https://[::ffff:10.0.0.1]/")]
    [InlineData("https://[fd00:ec2::254]/")]
    public void Any_other_url_is_refused(string url) => Assert.NotNull(Of().Refuse(url));

    [Fact]
    public void A_url_has_at_most_2048_characters()
    {
        var longest = "https://example.com/".PadRight(2048, 'a');

        Assert.Equal((null, "must be an absolute URL of at most 2048 characters"), (Of().Refuse(longest), Of().Refuse(longest + "a")));
    }

    [Fact]
    public void Plain_http_is_the_operators_choice()
        => Assert.Equal((null, "must begin with https://"), (Of(http: true).Refuse("http://example.com/"), Of(http: true).Refuse("ftp://example.com/")));

    private static WebhookAddresses Of(bool http = false, params string[] networks)
        => new(Options.Create(new WebhookOptions
        {
            AllowHttp = http,
            AllowedNetworks = [.. networks],
        }));
}
