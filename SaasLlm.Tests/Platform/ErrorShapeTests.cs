using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging;

namespace SaasLlm.Tests.Platform;

/// <summary>Whatever goes wrong, the answer is one problem document that names no internals.</summary>
[Collection(PlatformCollection.Name)]
public sealed class ErrorShapeTests(PlatformApp app)
{
    [Fact]
    public async Task A_bug_is_logged_fully_and_answered_generically()
    {
        var answer = await app.GetAsync("/platform/fails/bug");

        answer.AssertProblem(HttpStatusCode.InternalServerError, "internal");
        Assert.DoesNotContain("sk-12345", answer.Text, StringComparison.Ordinal);
        Assert.Contains(app.Logs.Entries, entry => entry.Level == LogLevel.Error && entry.Exception?.Message.Contains("sk-12345") == true);
    }

    [Theory]
    [InlineData("store-refused")]
    [InlineData("store-shutting-down")]
    public async Task A_store_that_is_gone_is_503_with_a_time_to_come_back(string how)
    {
        var answer = await app.GetAsync($"/platform/fails/{how}");

        answer.AssertProblem(HttpStatusCode.ServiceUnavailable, "store.unavailable");
        Assert.Equal(TimeSpan.FromSeconds(1), answer.Headers.RetryAfter?.Delta);
    }

    [Fact]
    public async Task A_constraint_that_fires_is_a_bug()
        => (await app.GetAsync("/platform/fails/constraint")).AssertProblem(HttpStatusCode.InternalServerError, "internal");

    [Fact]
    public async Task A_store_that_is_gone_while_the_key_is_looked_up_is_503()
        => (await app.GetAsync("/platform/caller", "Authorization: Bearer sk-store-gone"))
            .AssertProblem(HttpStatusCode.ServiceUnavailable, "store.unavailable");

    [Fact]
    public async Task A_caller_that_left_is_no_error()
    {
        await Assert.ThrowsAsync<HttpRequestException>(() => app.GetAsync("/platform/fails/cancelled"));

        Assert.DoesNotContain(app.Logs.Entries, entry => entry.Exception is OperationCanceledException);
    }

    [Fact]
    public async Task A_failure_carries_its_details_and_its_time_to_come_back()
    {
        var answer = await app.GetAsync("/platform/fails/expectedly");

        var problem = answer.AssertProblem(HttpStatusCode.PaymentRequired, "credits.insufficient");
        Assert.Equal("Not enough credits.", problem.GetProperty("title").GetString());
        Assert.Equal("0.25", problem.GetProperty("available").GetRawText());
        Assert.Equal("149", problem.GetProperty("needed").GetRawText());
        Assert.Equal(TimeSpan.FromSeconds(2), answer.Headers.RetryAfter?.Delta);
    }

    [Fact]
    public async Task An_unknown_route_is_404() => (await app.GetAsync("/no/such/route")).AssertProblem(HttpStatusCode.NotFound, "route.not_found");

    [Fact]
    public async Task Another_method_is_405_and_names_the_right_one()
    {
        using var response = await app.Client.DeleteAsync(new Uri("/platform/kinds", UriKind.Relative));

        (await Answer.OfAsync(response)).AssertProblem(HttpStatusCode.MethodNotAllowed, "route.method_not_allowed");
        Assert.Equal(["POST"], response.Content.Headers.Allow);
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/xml")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("application/json; charset=utf-16")]
    [InlineData("application/json; charset=nonsense")]
    [InlineData("nonsense")]
    [InlineData(null)]
    public async Task Another_content_type_is_415(string? contentType)
    {
        using var body = new ByteArrayContent("{}"u8.ToArray());
        if (contentType is not null)
        {
            body.Headers.TryAddWithoutValidation("Content-Type", contentType);
        }

        (await app.SendAsync(HttpMethod.Post, "/platform/kinds", body))
            .AssertProblem(HttpStatusCode.UnsupportedMediaType, "request.unsupported_media_type");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_body_over_the_limit_is_413(bool withLength)
    {
        var json = $$"""{"text":"{{new string('x', 1024 * 1024)}}"}""";
        using HttpContent body = withLength ? PlatformApp.Json(json) : new Chunked(json);

        // Asked first: a server that refuses by the length alone closes the connection while the body is still on its way.
        (await app.SendAsync(HttpMethod.Post, "/platform/kinds", body, "Expect: 100-continue"))
            .AssertProblem(HttpStatusCode.RequestEntityTooLarge, "request.too_large");
    }

    [Fact]
    public async Task An_endpoint_may_take_a_larger_body()
    {
        var note = new string('x', 1024 * 1024);

        var answer = await app.PutAsync($"/platform/items/{Guid.Empty}", $$"""{"note":"{{note}}"}""");

        Assert.Equal(200, answer.Status);
        Assert.Equal(note, answer.Json.GetProperty("note").GetString());
    }

    [Theory]
    [InlineData("not-a-uuid")]
    [InlineData("0197e2c5-0000-7000-8000-00000000000")]
    [InlineData("%22")]
    [InlineData("1%27%20OR%201=1")]
    public async Task An_id_that_cannot_be_one_names_nothing(string id)
        => (await app.PutAsync($"/platform/items/{id}", "{}")).AssertProblem(HttpStatusCode.NotFound, "resource.not_found");

    [Fact]
    public async Task A_NUL_in_the_query_is_refused()
        => (await app.GetAsync("/platform/caller?name=a%00b", $"X-Admin-Key: {PlatformApp.AdminKey}"))
            .AssertProblem(HttpStatusCode.BadRequest, "request.malformed");

    [Fact]
    public async Task The_root_leads_to_the_documentation()
    {
        using var response = await new HttpClient(new HttpClientHandler { AllowAutoRedirect = false }).GetAsync(app.Client.BaseAddress);

        Assert.Equal((HttpStatusCode.Redirect, "/docs"), (response.StatusCode, response.Headers.Location?.ToString()));
        Assert.Equal(200, (await app.GetAsync("/docs/index.html")).Status);
    }

    // A request that is not HTTP is refused by Kestrel itself, which must not break anything for others.
    [Fact]
    public async Task A_request_that_is_not_HTTP_is_400()
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(app.Client.BaseAddress!.Host, app.Client.BaseAddress.Port);
        await socket.GetStream().WriteAsync("GET /a%00b HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray());

        using var reader = new StreamReader(socket.GetStream(), Encoding.ASCII);
        Assert.Equal("HTTP/1.1 400 Bad Request", await reader.ReadLineAsync());
    }

    private sealed class Chunked : HttpContent
    {
        private readonly string _text;

        public Chunked(string text)
        {
            _text = text;
            Headers.ContentType = new("application/json");
        }

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context)
            => stream.WriteAsync(Encoding.UTF8.GetBytes(_text)).AsTask();

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
