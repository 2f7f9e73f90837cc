using SaasLlm.Tests.Access;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.EndToEnd;

/// <summary><c>--gateway &lt;base url&gt;</c>: one key for all, nothing to provision, prices from configuration.</summary>
public sealed class PlainGatewayTests(AppFixture fixture)
{
    [Fact]
    public async Task A_plain_base_url_is_called_with_its_key_and_priced_by_configuration()
    {
        var tenant = await Tenant.CreateAsync(fixture, 2, "mock/usage-17-5");
        var app = await fixture.AppAsync();
        await using var api = await app.StartApiAsync(new Dictionary<string, string>
        {
            ["Gateway__Kind"] = "openai",
            ["Gateway__BaseUrl"] = $"{app.Simulator.ToString().TrimEnd('/')}/v1",
            ["Gateway__Key"] = AppFixture.MasterKey,
            ["Gateway__MasterKey"] = "",
            ["Pricing__Models__0__Name"] = "mock/usage-17-5",
            ["Pricing__Models__0__InputUsdPerMillion"] = "1000000",
            ["Pricing__Models__0__OutputUsdPerMillion"] = "0",
        });
        using var team = new ApiClient(api.Client.BaseAddress!, await tenant.NewKeyAsync());
        // Who states the price knows of it at once; the other process hears of it.
        var job = (string)(await team.PostAsync("/api/jobs/create", """{"job_type":"test"}""")).Is(200)["job_id"]!;

        var answer = (await team.PostAsync($"/api/jobs/{job}/llm-call",
            $$"""{"model_group":"{{tenant.Group}}","messages":[{"role":"user","content":"Say hello."}]}""")).Is(200);

        var costs = (await tenant.Operator.GetAsync($"/api/jobs/{job}/costs")).Is(200);
        Assert.Equal((decimal)answer["response"]!["usage"]!["prompt_tokens"]!, (decimal)costs["provider_cost_usd"]!);
        Assert.True((bool)(await tenant.CompleteAsync(job)).Is(200)["costs"]!["credit_applied"]!);
    }

    [Fact]
    public async Task A_wrong_key_there_is_the_operators_trouble_and_not_shown()
    {
        var tenant = await Tenant.CreateAsync(fixture, 2, "mock/plain-refused");
        var app = await fixture.AppAsync();
        await using var api = await app.StartApiAsync(new Dictionary<string, string>
        {
            ["Gateway__Kind"] = "openai",
            ["Gateway__Key"] = "sk-wrong-key-of-the-operator",
            ["Gateway__MasterKey"] = "",
            ["Pricing__Models__0__Name"] = "mock/plain-refused",
            ["Pricing__Models__0__InputUsdPerMillion"] = "0",
            ["Pricing__Models__0__OutputUsdPerMillion"] = "0",
        });
        using var team = new ApiClient(api.Client.BaseAddress!, await tenant.NewKeyAsync());
        var job = await tenant.OpenJobAsync();

        var answer = (await team.PostAsync($"/api/jobs/{job}/llm-call",
            $$"""{"model_group":"{{tenant.Group}}","messages":[{"role":"user","content":"Say hello."}]}""")).Is(502, "llm.all_models_failed");

        Assert.DoesNotContain("key", answer.Text, StringComparison.OrdinalIgnoreCase);
        Assert.Equal("provider_account", (string)(await tenant.AttemptsAsync(job))[0]!["outcome"]!);
    }
}
