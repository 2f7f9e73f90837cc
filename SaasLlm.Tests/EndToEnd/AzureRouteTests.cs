using System.Text;
using System.Text.Json.Nodes;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.EndToEnd;

/// <summary>Azure's paths: the deployment is the model group, and the key comes as <c>api-key</c>.</summary>
public sealed class AzureRouteTests(AppFixture fixture)
{
    private const string Fields = "\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]";

    [Theory]
    [InlineData("")]
    [InlineData("\"model\":\"\",")]
    [InlineData("\"model\":\"gpt-5.1\",")]
    [InlineData("\"model\":null,")]
    public async Task The_deployment_is_the_model_whatever_the_body_says(string model)
    {
        var tenant = await ReadyAsync();

        var (status, body) = await SendAsync(tenant, $"/openai/deployments/{tenant.Group}/chat/completions?api-version=2024-10-21", $"{{{model}{Fields}}}");

        Assert.Equal((200, tenant.Group), (status, (string)body["model"]!));
    }

    [Theory]
    [InlineData("/openai/responses?api-version=2025-04-01-preview", "\"input\":\"x\"")]
    [InlineData("/openai/v1/responses", "\"input\":\"x\"")]
    [InlineData("/openai/v1/chat/completions?api-version=preview", Fields)]
    [InlineData("/openai/chat/completions", Fields)]
    public async Task Routes_beside_deployments_are_those_of_v1(string path, string fields)
    {
        var tenant = await ReadyAsync();

        var (status, body) = await SendAsync(tenant, path, $"{{\"model\":\"{tenant.Group}\",{fields}}}");

        Assert.Equal((200, tenant.Group), (status, (string)body["model"]!));
    }

    [Fact]
    public async Task One_key_for_two_deployments_is_no_repeat()
    {
        var tenant = await ReadyAsync();
        var other = await tenant.AddGroupAsync("other", "gpt-4-turbo");
        await tenant.GrantAsync(tenant.Group, other);
        var key = Guid.NewGuid().ToString();

        var first = await SendAsync(tenant, $"/openai/deployments/{tenant.Group}/chat/completions", $"{{{Fields}}}", key);
        var second = await SendAsync(tenant, $"/openai/deployments/{other}/chat/completions", $"{{{Fields}}}", key);
        var again = await SendAsync(tenant, $"/openai/deployments/{tenant.Group}/chat/completions", $"{{{Fields}}}", key);

        Assert.Equal((200, tenant.Group), (first.Status, (string)first.Body["model"]!));
        Assert.Equal((409, "idempotency.key_reused"), (second.Status, (string)second.Body["error"]!["code"]!));
        Assert.Equal((200, (string)first.Body["id"]!), (again.Status, (string)again.Body["id"]!));
    }

    private async Task<Tenant> ReadyAsync()
    {
        var tenant = await Tenant.CreateAsync(fixture, 3, "gpt-4-turbo");
        await tenant.WaitForKeyAsync(fixture);
        return tenant;
    }

    private async Task<(int Status, JsonNode Body)> SendAsync(Tenant tenant, string path, string body, string? key = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Content = new StringContent(body, Encoding.UTF8, "application/json"),
            Headers = { { "api-key", tenant.VirtualKey } },
        };
        if (key is not null)
        {
            request.Headers.Add("Idempotency-Key", key);
        }

        using var response = await (await fixture.AppAsync()).Api.SendAsync(request);
        return ((int)response.StatusCode, JsonNode.Parse(await response.Content.ReadAsStringAsync())!);
    }
}
