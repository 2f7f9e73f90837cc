using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Options;
using SaasLlm.Core.Llm.Answers;
using SaasLlm.Core.Pricing;

namespace SaasLlm.Core.Llm.Gateway;

/// <summary>LiteLLM's management routes, called with the master key (litellm-contract, sections 6 and 7).</summary>
public sealed class GatewayAdmin(HttpClient http, IOptions<GatewayOptions> options)
{
    private const decimal Million = 1_000_000m;

    /// <summary>Sees that the team exists. False: the gateway refused or could not.</summary>
    public async Task<bool> EnsureTeamAsync(string teamId, CancellationToken cancellation)
    {
        var (status, body) = await PostAsync("team/new", new { team_id = teamId, team_alias = teamId }, cancellation);
        if (status == HttpStatusCode.OK)
        {
            return true;
        }

        // A duplicate id is 400, and 500 when two arrive together: ask whether it is there.
        if (GatewayError.Read(body).Type == "no_db_connection")
        {
            return false;
        }

        using var request = Request(HttpMethod.Get, $"team/info?team_id={Uri.EscapeDataString(teamId)}");
        using var response = await http.SendAsync(request, cancellation);
        return response.IsSuccessStatusCode;
    }

    /// <summary>Mints a key of the team under an alias of its own; an orphaned key of that alias is removed first. Null: it could not.</summary>
    /// <param name="mark">Written into the key's metadata: by it <see cref="ListKeysAsync"/> knows the keys of this installation.</param>
    public async Task<string?> MintKeyAsync(string teamId, string alias, string mark, CancellationToken cancellation)
    {
        var order = new { team_id = teamId, key_alias = alias, metadata = new { saasllm_installation = mark } };
        var (status, body) = await PostAsync("key/generate", order, cancellation);
        if (status == HttpStatusCode.BadRequest && GatewayError.Read(body).Message.Contains("alias", StringComparison.OrdinalIgnoreCase))
        {
            // An earlier try minted a key whose answer was lost: nobody has it, and only its alias names it.
            await PostAsync("key/delete", new { key_aliases = new[] { alias } }, cancellation);
            (status, body) = await PostAsync("key/generate", order, cancellation);
        }

        if (status != HttpStatusCode.OK)
        {
            return null;
        }

        using var document = JsonDocument.Parse(body);
        return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("key", out var key)
               && key.ValueKind == JsonValueKind.String && key.GetString() is { Length: > 0 } minted
            ? minted
            : null;
    }

    /// <summary>A page of the keys at the gateway, from 1 on, without those that another one made. Null: it could not tell.</summary>
    /// <param name="mark">Of the keys that are wanted.</param>
    internal async Task<GatewayKeyPage?> ListKeysAsync(int page, string mark, CancellationToken cancellation)
    {
        using var request = Request(HttpMethod.Get, $"key/list?page={page}&size={GatewayKeyPage.Size}&return_full_object=true");
        using var response = await http.SendAsync(request, cancellation);
        return response.StatusCode == HttpStatusCode.OK
            ? GatewayKeyPage.Read(await response.Content.ReadAsByteArrayAsync(cancellation), mark, response.Headers.Date)
            : null;
    }

    /// <summary>Deletes keys by their hashes; what is not there any more is none of its business. False: the gateway refused.</summary>
    internal async Task<bool> DeleteKeysAsync(IReadOnlyList<string> hashes, CancellationToken cancellation)
        => (await PostAsync("key/delete", new { keys = hashes }, cancellation)).Status is HttpStatusCode.OK or HttpStatusCode.NotFound;

    /// <summary>True if the gateway says that it has its database: only then is a "no such key" of it worth believing.</summary>
    public async Task<bool> HasDatabaseAsync(CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(options.Value.Root, "health/readiness"));
        using var response = await http.SendAsync(request, cancellation);
        if (response.StatusCode != HttpStatusCode.OK)
        {
            return false;
        }

        using var document = JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync(cancellation));
        return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("db", out var database)
            && database.ValueKind == JsonValueKind.String && database.GetString() == "connected";
    }

    /// <summary>The price list; a model without prices is not in it, one with explicit zeros is.</summary>
    public async Task<GatewayPriceList> ReadPricesAsync(CancellationToken cancellation)
    {
        using var request = Request(HttpMethod.Get, "model/info");
        using var response = await http.SendAsync(request, cancellation);
        response.EnsureSuccessStatusCode();
        await using var stream = await response.Content.ReadAsStreamAsync(cancellation);
        using var document = await JsonDocument.ParseAsync(stream, cancellationToken: cancellation);
        var prices = new Dictionary<string, ModelPrice>(StringComparer.Ordinal);
        var byLength = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var model in document.RootElement.GetProperty("data").EnumerateArray().Where(model => model.ValueKind == JsonValueKind.Object))
        {
            if (model.TryGetProperty("model_name", out var name) && name.ValueKind == JsonValueKind.String && name.GetString() is { } text && ModelPrice.IsModelName(text)
                && model.TryGetProperty("model_info", out var info) && info.ValueKind == JsonValueKind.Object)
            {
                if (DependsOnLength(info))
                {
                    byLength.Add(text);
                }
                else if (Price(info) is { } price)
                {
                    // A group of several deployments is priced at its dearest.
                    prices[text] = prices.TryGetValue(text, out var other) && other.Input + other.Output > price.Input + price.Output ? other : price;
                }
            }
        }

        foreach (var name in byLength)
        {
            prices.Remove(name);
        }

        return new(prices, [.. byLength]);
    }

    /// <summary>True if the gateway answers at all.</summary>
    public async Task<bool> IsAliveAsync(CancellationToken cancellation)
    {
        using var request = options.Value.IsLiteLlm
            ? new HttpRequestMessage(HttpMethod.Get, new Uri(options.Value.Root, "health/liveliness"))
            : Request(HttpMethod.Get, "v1/models");
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
        return options.Value.IsLiteLlm ? response.IsSuccessStatusCode : (int)response.StatusCode < 500;
    }

    // For example "input_cost_per_token_above_128k_tokens" beside "input_cost_per_token", or a table under "tiered_pricing".
    private static bool DependsOnLength(JsonElement info)
        => info.EnumerateObject().Any(member => member.Value.ValueKind switch
        {
            JsonValueKind.Number => member.Name.IndexOf("_above_", StringComparison.Ordinal) is > 0 and var end
                && member.Name.EndsWith("k_tokens", StringComparison.Ordinal) && member.Name.AsSpan(0, end).Contains("token", StringComparison.Ordinal)
                && !(info.TryGetProperty(member.Name.AsSpan(0, end), out var usual) && usual.ValueKind == JsonValueKind.Number
                     && usual.TryGetDecimal(out var before) && member.Value.TryGetDecimal(out var after) && before == after),
            JsonValueKind.Array => member.Name == "tiered_pricing" && member.Value.GetArrayLength() > 0,
            _ => false,
        });

    // Half a price is none, but an embedding has no output.
    private static ModelPrice? Price(JsonElement info)
    {
        var isEmbedding = info.TryGetProperty("mode", out var mode) && mode.ValueKind == JsonValueKind.String && mode.GetString() == "embedding";
        var output = PerMillion(info, "output_cost_per_token") ?? (isEmbedding ? 0m : null);
        return PerMillion(info, "input_cost_per_token") is { } input && output is { } priced
            ? new ModelPrice(
                input, priced, PerMillion(info, "cache_read_input_token_cost"), PerMillion(info, "cache_creation_input_token_cost"),
                PerMillion(info, "output_cost_per_reasoning_token"), PerMillion(info, "input_cost_per_request") / Million ?? 0).Rounded()
            : null;
    }

    // LiteLLM writes prices as JSON doubles, for example 1.5e-07; read as decimal nothing is lost. A dollar a token is no price.
    private static decimal? PerMillion(JsonElement info, string name)
        => info.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetDecimal(out var perToken) && perToken is >= 0 and < 1
            ? perToken * Million
            : null;

    private async Task<(HttpStatusCode Status, byte[] Body)> PostAsync(string path, object body, CancellationToken cancellation)
    {
        using var request = Request(HttpMethod.Post, path);
        request.Content = new StringContent(JsonSerializer.Serialize(body), Encoding.UTF8, "application/json");
        using var response = await http.SendAsync(request, cancellation);
        return (response.StatusCode, await response.Content.ReadAsByteArrayAsync(cancellation));
    }

    private HttpRequestMessage Request(HttpMethod method, string path)
    {
        var key = options.Value.IsLiteLlm ? options.Value.MasterKey : options.Value.Key;
        var request = new HttpRequestMessage(method, new Uri(options.Value.Root, path));
        if (key.Length > 0)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        }

        return request;
    }
}
