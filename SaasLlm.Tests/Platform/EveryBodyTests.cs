using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace SaasLlm.Tests.Platform;

/// <summary>Every operation's own example, spoilt in each field: refused, or stopped at the store that is not there; never a 500.</summary>
public sealed class EveryBodyTests(ProductApp product) : IClassFixture<ProductApp>
{
    private static readonly string[] s_spoilt =
    [
        "null", "true", "\"\"", "\"\\u0000\"", "\"\\ud800\"", "\"a\\nb\"", "0", "-1", "1.5", "1e30", "1e400", "99999999999999999999",
        "[]", "[null]", "[{}]", "[\"\\u0000\"]", "[[]]", "{}", "{\"a\":null}", "{\"a\":1e999999}", "{\"\\u0000\":1}",
    ];

    private static readonly string[] s_bodies = ["", "{", "null", "[]", "[null]", "{}", "\"a\"", "7", "{\"a\":1}"];

    [Fact]
    public async Task No_body_is_a_500()
    {
        var document = await product.Client.GetFromJsonAsync<JsonElement>("/openapi/v1.json");

        var wrong = new List<string>();
        var sent = 0;
        foreach (var path in document.GetProperty("paths").EnumerateObject())
        {
            foreach (var operation in path.Value.EnumerateObject().Where(operation => operation.Value.TryGetProperty("requestBody", out _)))
            {
                var address = path.Name.Replace("{", "", StringComparison.Ordinal).Replace("}", "", StringComparison.Ordinal);
                foreach (var body in s_bodies.Concat(Spoilt(Example(path.Name, operation.Value))))
                {
                    sent++;
                    var answer = await SendAsync(operation.Name, address, body);
                    if (answer.Status is not (400 or 404 or 422 or 503) && !(answer.Status == 403 && !IsOpenAi(path.Name)) || answer.ContentType != Answer.RefusalTypeOf(path.Name))
                    {
                        wrong.Add($"{operation.Name} {address} {body}: {answer.Status} {answer.Text}");
                    }
                }
            }
        }

        Assert.True(wrong.Count == 0, string.Join(Environment.NewLine, wrong));
        Assert.InRange(sent, 300, 100_000);
    }

    // Each field replaced in turn, one level down too; a list is replaced in its first item.
    private static IEnumerable<string> Spoilt(JsonNode? example)
    {
        if (example is JsonArray list)
        {
            foreach (var value in s_spoilt.Concat(Spoilt(list.FirstOrDefault()?.DeepClone())))
            {
                yield return $"[{value}]";
            }
        }

        foreach (var (name, value) in example as JsonObject ?? [])
        {
            foreach (var other in s_spoilt.Concat(Spoilt(value?.DeepClone())))
            {
                var fields = ((JsonObject)example!).Select(field
                    => $"{JsonSerializer.Serialize(field.Key)}:{(field.Key == name ? other : field.Value?.ToJsonString() ?? "null")}");
                yield return $"{{{string.Join(',', fields)}}}";
            }
        }
    }

    private static JsonNode? Example(string path, JsonElement operation)
    {
        var example = JsonNode.Parse(operation.GetProperty("requestBody").GetProperty("content").GetProperty("application/json").GetProperty("example").GetRawText());
        if (IsOpenAi(path))
        {
            // What is kept of such a request, beside its answer.
            (example!["user"], example["metadata"]) = ("user-1", new JsonObject { ["feature"] = "digest" });
        }

        return example;
    }

    private static bool IsOpenAi(string path) => path.StartsWith("/v1/", StringComparison.Ordinal);

    private async Task<Answer> SendAsync(string method, string address, string body)
    {
        using var request = new HttpRequestMessage(new(method.ToUpperInvariant()), address) { Content = PlatformApp.Json(body) };
        if (IsOpenAi(address))
        {
            // The operator is no team, and would be refused before its body is read.
            request.Headers.Authorization = new("Bearer", "sk-team-a");
        }
        else
        {
            request.Headers.Add("X-Admin-Key", PlatformApp.AdminKey);
        }

        using var response = await product.Client.SendAsync(request);
        return await Answer.OfAsync(response);
    }
}
