using System.Net.Http.Json;
using System.Text.Json;

namespace SaasLlm.Tests.Platform;

/// <summary>Every parameter of every operation, spoilt: refused, or stopped at the store that is not there; never a 500.</summary>
public sealed class EveryQueryTests(ProductApp product) : IClassFixture<ProductApp>
{
    private static readonly string[] s_spoilt =
    [
        "", " ", "0", "-1", "1.5", "1e400", "99999999999999999999", "true", "null", "{}", "[1]", "%22", "%27%3B--", "%ff", "%ED%A0%80",
        "%F0%9F%99%82", "%0A", "2026-13", "9999-12", "0000-00", "00000000-0000-0000-0000-000000000000", "..%2F..", "a,b",
    ];

    // The path cannot hold these by the rules of HTTP itself.
    private static readonly string[] s_inThePath = [.. s_spoilt.Except(["", " "])];

    [Fact]
    public async Task No_parameter_is_a_500()
    {
        var document = await product.Client.GetFromJsonAsync<JsonElement>("/openapi/v1.json");

        var wrong = new List<string>();
        var sent = 0;
        foreach (var path in document.GetProperty("paths").EnumerateObject())
        {
            foreach (var operation in path.Value.EnumerateObject().Where(operation => operation.Value.TryGetProperty("parameters", out _)))
            {
                foreach (var address in Spoilt(path.Name, operation.Value.GetProperty("parameters")))
                {
                    sent++;
                    var answer = await SendAsync(operation.Name, address);
                    if (answer.Status is not (400 or 403 or 404 or 405 or 422 or 503) || answer.ContentType != Answer.RefusalTypeOf(path.Name))
                    {
                        wrong.Add($"{operation.Name} {address}: {answer.Status} {answer.Text}");
                    }
                }
            }
        }

        Assert.True(wrong.Count == 0, string.Join(Environment.NewLine, wrong));
        Assert.InRange(sent, 500, 100_000);
    }

    private static IEnumerable<string> Spoilt(string path, JsonElement parameters)
    {
        foreach (var parameter in parameters.EnumerateArray())
        {
            var name = parameter.GetProperty("name").GetString()!;
            var isInThePath = parameter.GetProperty("in").GetString() == "path";
            foreach (var value in isInThePath ? s_inThePath : s_spoilt)
            {
                yield return isInThePath
                    ? Filled(path.Replace($"{{{name}}}", value, StringComparison.Ordinal))
                    : $"{Filled(path)}?{name}={value}";
            }

            yield return $"{Filled(path)}?{name}=a&{name}=b";
            yield return $"{Filled(path)}?{name}=%00";
        }
    }

    private static string Filled(string path)
        => path.Replace("{", "", StringComparison.Ordinal).Replace("}", "", StringComparison.Ordinal);

    private async Task<Answer> SendAsync(string method, string address)
    {
        // As it is written: Uri would tidy it up.
        var uri = new Uri(product.Client.BaseAddress!.ToString().TrimEnd('/') + address, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
        using var request = new HttpRequestMessage(new(method.ToUpperInvariant()), uri);
        if (method is not ("get" or "delete"))
        {
            request.Content = PlatformApp.Json("{}");
        }

        request.Headers.Add("X-Admin-Key", PlatformApp.AdminKey);
        using var response = await product.Client.SendAsync(request);
        return await Answer.OfAsync(response);
    }
}
