using System.Text;
using System.Text.Json.Nodes;
using SaasLlm.Tests.EndToEnd;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.OpenAi;

/// <summary>
/// Every recorded request of OpenAI's clients, sent to the running product: each is answered so that its client works, or refused in the
/// envelope its client reads. <c>SAASLLM_CLIENT_REQUESTS</c> names a further folder of recordings.
/// </summary>
public sealed class ClientReplayTests(AppFixture fixture)
{
    // What is not served here, by the beginning of its path.
    private static readonly string[] s_notServed = ["/files", "/audio", "/moderations", "/images"];

    // Fields that are refused by name: they change the price, or reach into the operator's account.
    private static readonly string[] s_refusedFields = ["audio", "web_search_options", "conversation", "background"];

    [Fact]
    public async Task Every_recorded_client_gets_what_it_needs()
    {
        var (chat, embedding) = (await ReadyAsync("chat", "gpt-4-turbo"), await ReadyAsync("embedding", "text-embedding-3-small"));

        var wrong = new List<string>();
        var requests = ClientRequest.All();
        foreach (var request in requests)
        {
            var tenant = request.Route == "/embeddings" ? embedding : chat;
            wrong.AddRange((await FaultsAsync(tenant, request)).Select(fault => $"{request.Call} {request.Method} {request.Path}: {fault}"));
        }

        Assert.True(wrong.Count == 0, string.Join(Environment.NewLine, wrong));
        Assert.InRange(requests.Count, 200, int.MaxValue);
        var balance = await chat.BalanceAsync();
        Assert.Equal((0m, (decimal)balance["credits_allocated"]!), ((decimal)balance["credits_held"]!, (decimal)balance["credits_used"]! + (decimal)balance["credits_remaining"]!));
    }

    private static async Task<IEnumerable<string>> FaultsAsync(Tenant tenant, ClientRequest request)
    {
        using var message = Message(tenant, request);
        using var response = await tenant.Team.SendRawAsync(message);
        var (status, text) = ((int)response.StatusCode, await response.Content.ReadAsStringAsync());
        var expected = ExpectedStatus(request);
        if (status != expected)
        {
            return [$"{status} instead of {expected}: {text}"];
        }

        try
        {
            var isStream = status == 200 && request.IsStream;
            var type = response.Content.Headers.ContentType?.MediaType;
            var isCalled = status != 200 || !IsToolDemanded(request.Body) || text.Contains("\"arguments\":\"", StringComparison.Ordinal);
            return [.. isCalled ? Array.Empty<string>() : [$"lacks the call of a tool: {text}"], .. (status == 200 ? Needs(tenant, request, text) : ClientNeeds.OfError(JsonNode.Parse(text)!)).Where(need => need.Length > 0).Select(need => $"lacks {need}: {text}"),
                .. type == (isStream ? "text/event-stream" : "application/json") ? Array.Empty<string>() : [$"is {type}"]];
        }
        catch (Exception exception) when (exception is InvalidOperationException or NullReferenceException or FormatException or System.Text.Json.JsonException)
        {
            return [$"cannot be read ({exception.Message}): {text}"];
        }
    }

    private static IEnumerable<string> Needs(Tenant tenant, ClientRequest request, string text) => (request.Route, request.IsStream) switch
    {
        ("/chat/completions", false) => ClientNeeds.OfChat(JsonNode.Parse(text)!, tenant.Group),
        ("/chat/completions", true) => ClientNeeds.OfChatStream(text, tenant.Group, request.Body!["stream_options"]?["include_usage"] is JsonValue wants && (bool)wants),
        ("/completions", false) => ClientNeeds.OfText(JsonNode.Parse(text)!, tenant.Group),
        ("/completions", true) => ClientNeeds.OfTextStream(text, tenant.Group),
        ("/embeddings", _) => ClientNeeds.OfEmbeddings(JsonNode.Parse(text)!, request.Body!, tenant.Group),
        ("/responses", false) => ClientNeeds.OfResponse(JsonNode.Parse(text)!, tenant.Group),
        ("/responses", true) => ClientNeeds.OfResponseStream(text, tenant.Group),
        ("/models", _) => [(string)JsonNode.Parse(text)!["data"]![0]!["id"]! == tenant.Group ? "" : "the group"],
        var (route, _) => throw new InvalidOperationException($"say here what {route} needs"),
    };

    private static int ExpectedStatus(ClientRequest request)
    {
        var route = request.Route;
        if (Array.Exists(s_notServed, start => route.StartsWith(start, StringComparison.Ordinal)) || route.StartsWith("/models/", StringComparison.Ordinal) || route.StartsWith("/responses/", StringComparison.Ordinal))
        {
            return 404;
        }

        if (request.Method == "GET" && route == "/chat/completions")
        {
            return 405;
        }

        return request.Body is JsonObject body && IsRefused(body) ? 400 : (string?)request.Body?["previous_response_id"] is null ? 200 : 404;
    }

    private static bool IsToolDemanded(JsonNode? body)
        => body?["tool_choice"] is JsonObject || (body?["tool_choice"] is JsonValue choice && choice.ToString() == "required");

    private static bool IsRefused(JsonObject body)
        => s_refusedFields.Any(field => body[field] is { } value && value.ToJsonString() != "false")
           || body.ToJsonString().Contains("\"input_audio\"", StringComparison.Ordinal)
           || body.ToJsonString().Contains("\"file_id\"", StringComparison.Ordinal);

    // The client's own bytes, but for the key and the model: a stranger's names are not here.
    private static HttpRequestMessage Message(Tenant tenant, ClientRequest request)
    {
        var path = request.Path.Replace("/deployments/gpt-4o-mini/", $"/deployments/{tenant.Group}/", StringComparison.Ordinal);
        var message = new HttpRequestMessage(new(request.Method), path);
        if (request.Body is { } body)
        {
            if (body is JsonObject fields && fields.ContainsKey("model"))
            {
                fields["model"] = tenant.Group;
            }

            message.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body.ToJsonString()));
        }

        foreach (var (name, value) in request.Headers)
        {
            if (name.Equals("content-type", StringComparison.OrdinalIgnoreCase))
            {
                message.Content?.Headers.TryAddWithoutValidation(name, value);
            }
            else if (!name.Equals("authorization", StringComparison.OrdinalIgnoreCase) && !name.Equals("api-key", StringComparison.OrdinalIgnoreCase))
            {
                message.Headers.TryAddWithoutValidation(name, value);
            }
        }

        return message;
    }

    private async Task<Tenant> ReadyAsync(string kind, string model)
    {
        var tenant = await Tenant.CreateAsync(fixture, 1000, model);
        (await tenant.Operator.PutAsync($"/api/model-groups/{tenant.Group}", $$$"""{"kind":"{{{kind}}}","settings":{"allowed_fields":["top_k","provider"]}}""")).Is(200);
        await tenant.WaitForKeyAsync(fixture);
        return tenant;
    }
}
