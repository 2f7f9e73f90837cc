using System.Text.Json.Nodes;

namespace SaasLlm.Tests.LiteLlmSimulator;

/// <summary>Faults armed by <c>/simulator/faults</c>.</summary>
public sealed class FaultTests
{
    [Fact]
    public async Task A_fault_happens_to_the_next_calls_of_its_model_and_then_no_more()
    {
        await using var host = await SimulatorHost.StartAsync();
        await ArmAsync(host, """{"model":"gpt-4o","alias":"429","times":2}""");

        Assert.Equal([200, 429, 429, 200], await StatusesAsync(host, "gpt-4o-mini", "gpt-4o", "gpt-4o", "gpt-4o"));
    }

    [Fact]
    public async Task Without_a_model_any_inference_call_is_hit_and_nothing_else()
    {
        await using var host = await SimulatorHost.StartAsync();
        await ArmAsync(host, """{"recording":"inference/errors/upstream-503"}""");

        using var models = await host.GetAsync("/v1/models");

        Assert.Equal(200, (int)models.StatusCode);
        Assert.Equal([503, 200], await StatusesAsync(host, "gpt-4o", "gpt-4o"));
    }

    [Fact]
    public async Task A_management_route_is_hit_by_its_path()
    {
        await using var host = await SimulatorHost.StartAsync();
        await host.SetModeAsync("""{"recorded_timing":false}""");
        await ArmAsync(host, """{"path":"/key/generate","recording":"management/outage/key-generate"}""");

        using var failed = await host.PostAsync("/key/generate", "{}");
        using var worked = await host.PostAsync("/key/generate", "{}");

        Assert.Equal((500, 200), ((int)failed.StatusCode, (int)worked.StatusCode));
    }

    [Fact]
    public async Task An_alias_of_the_simulators_own_can_be_armed()
    {
        await using var host = await SimulatorHost.StartAsync();
        await ArmAsync(host, """{"alias":"mock/cut-at-2"}""");

        using var answer = await host.ChatAsync("gpt-4o", stream: true);

        await Assert.ThrowsAnyAsync<HttpRequestException>(() => answer.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_delay_alone_only_slows()
    {
        await using var host = await SimulatorHost.StartAsync();
        await ArmAsync(host, """{"delay":"200ms"}""");
        var started = TimeProvider.System.GetTimestamp();

        Assert.Equal([200], await StatusesAsync(host, "gpt-4o"));
        Assert.True(TimeProvider.System.GetElapsedTime(started) >= TimeSpan.FromMilliseconds(190));
    }

    [Fact]
    public async Task Faults_are_listed_with_what_is_left_and_can_be_dropped()
    {
        await using var host = await SimulatorHost.StartAsync();
        await ArmAsync(host, """{"model":"gpt-4o","alias":"500","times":3}""");
        await StatusesAsync(host, "gpt-4o");

        using var listed = await host.GetAsync("/simulator/faults");
        using var dropped = await host.SendAsync(HttpMethod.Delete, "/simulator/faults");

        var fault = Assert.Single(JsonNode.Parse(await listed.Content.ReadAsStringAsync())!["faults"]!.AsArray())!;
        Assert.Equal(("gpt-4o", "500", 2), (fault["model"]!.GetValue<string>(), fault["alias"]!.GetValue<string>(), fault["remaining"]!.GetValue<int>()));
        Assert.Equal(200, (int)dropped.StatusCode);
        Assert.Equal([200], await StatusesAsync(host, "gpt-4o"));
    }

    [Theory]
    [InlineData("""{"alias":"no-such-alias"}""")]
    [InlineData("""{"recording":"no/such/case"}""")]
    [InlineData("""{"alias":"500","times":0}""")]
    public async Task What_cannot_be_armed_is_refused(string json)
    {
        await using var host = await SimulatorHost.StartAsync();

        using var answer = await host.PostAsync("/simulator/faults", json);

        Assert.Equal(400, (int)answer.StatusCode);
    }

    [Theory]
    [InlineData("GET", "/simulator/faults")]
    [InlineData("GET", "/simulator/requests")]
    [InlineData("GET", "/simulator/mode")]
    [InlineData("POST", "/simulator/reset")]
    [InlineData("POST", "/simulator/release")]
    public async Task The_simulators_own_routes_need_the_master_key(string method, string path)
    {
        await using var host = await SimulatorHost.StartAsync();
        using var made = await host.PostAsync("/key/generate", "{}");
        var key = JsonNode.Parse(await made.Content.ReadAsStringAsync())!["key"]!.GetValue<string>();

        using var virtually = await host.SendAsync(HttpMethod.Parse(method), path, key: key);
        using var nobody = await host.SendAsync(HttpMethod.Parse(method), path, key: null);

        Assert.Equal((401, 401), ((int)virtually.StatusCode, (int)nobody.StatusCode));
    }

    private static async Task ArmAsync(SimulatorHost host, string json)
    {
        using var armed = await host.PostAsync("/simulator/faults", json);
        Assert.Equal(200, (int)armed.StatusCode);
    }

    private static async Task<List<int>> StatusesAsync(SimulatorHost host, params string[] models)
    {
        var statuses = new List<int>();
        foreach (var model in models)
        {
            using var answer = await host.ChatAsync(model);
            statuses.Add((int)answer.StatusCode);
        }

        return statuses;
    }
}
