using SaasLlm.Tests.Access;

namespace SaasLlm.Tests.Pricing;

/// <summary>The operator's prices over HTTP.</summary>
[Collection(ApiTests.Name)]
public sealed class PriceEndpointTests(ApiFixture api)
{
    [Fact]
    public async Task A_price_is_stated_read_and_taken_back_and_its_history_stays()
    {
        var model = "provider/" + ApiFixture.Unique("model");
        (await api.Operator.GetAsync($"/api/prices/models/{model}")).Is(404, "pricing.not_found");

        var stated = (await api.Operator.PutAsync($"/api/prices/models/{model}",
            """{"input_usd_per_million":0.000000000001,"output_usd_per_million":10,"cached_input_usd_per_million":1.25,"request_usd":0.01,"reason":"January"}""")).Is(200);
        var version = (long)stated["current"]!["version"]!;
        Assert.Equal(
            """{"input_usd_per_million":0.000000000001,"output_usd_per_million":10,"cached_input_usd_per_million":1.25,"cache_write_usd_per_million":null,"reasoning_usd_per_million":null,"request_usd":0.01}""",
            stated["current"]!["price"]!.ToJsonString());
        Assert.Equal(("operator", "January"), ((string)stated["current"]!["source"]!, (string)stated["current"]!["reason"]!));

        // The same again is no new version, and slashes may be escaped.
        var again = (await api.Operator.PutAsync($"/api/prices/models/{Uri.EscapeDataString(model)}",
            """{"input_usd_per_million":0.000000000001,"output_usd_per_million":10,"cached_input_usd_per_million":1.25,"request_usd":0.01}""")).Is(200);
        Assert.Equal(version, (long)again["current"]!["version"]!);

        var gone = (await api.Operator.DeleteAsync($"/api/prices/models/{model}")).Is(200);
        Assert.Null(gone["current"]);
        Assert.Equal(2, gone["history"]!.AsArray().Count);
        Assert.Null(gone["history"]![0]!["price"]);
        Assert.Equal(version, (long)gone["history"]![1]!["version"]!);

        var listed = (await api.Operator.GetAsync($"/api/prices?model={model.ToUpperInvariant()}&version={version}")).Is(200);
        Assert.Equal(model, (string)Assert.Single(listed["items"]!.AsArray())!["model_name"]!);
        Assert.Empty((await api.Operator.GetAsync($"/api/prices?model={model}")).Is(200)["items"]!.AsArray());
    }

    [Theory]
    [InlineData("""{"output_usd_per_million":1}""", "input_usd_per_million")]
    [InlineData("""{"input_usd_per_million":-1,"output_usd_per_million":1}""", "input_usd_per_million")]
    [InlineData("""{"input_usd_per_million":1,"output_usd_per_million":1000000.1}""", "output_usd_per_million")]
    [InlineData("""{"input_usd_per_million":1,"output_usd_per_million":0.0000000000001}""", "output_usd_per_million")]
    [InlineData("""{"input_usd_per_million":1,"output_usd_per_million":1,"request_usd":0.00000000001}""", "request_usd")]
    public async Task What_is_no_price_is_refused_by_its_field(string body, string field)
        => Assert.Equal([field], (await api.Operator.PutAsync("/api/prices/models/m", body)).Is(422).RefusedFields);

    [Fact]
    public async Task Versions_are_listed_newest_first_by_page()
    {
        var model = ApiFixture.Unique("model");
        for (var price = 1; price <= 3; price++)
        {
            (await api.Operator.PutAsync($"/api/prices/models/{model}", $$"""{"input_usd_per_million":{{price}},"output_usd_per_million":1,"reason":"{{model}} {{price}}"}""")).Is(200);
        }

        var first = (await api.Operator.GetAsync("/api/prices/versions?limit=2&source=operator")).Is(200);
        var second = (await api.Operator.GetAsync($"/api/prices/versions?limit=1&source=operator&cursor={(string)first["next_cursor"]!}")).Is(200);

        Assert.Equal(
            [$"{model} 3", $"{model} 2", $"{model} 1"],
            first["items"]!.AsArray().Concat(second["items"]!.AsArray()).Select(version => (string)version!["reason"]!));
        Assert.Equal(1, (int)first["items"]![0]!["models"]!);
        (await api.Operator.GetAsync("/api/prices/versions?cursor=eA")).Is(422);
    }
}
