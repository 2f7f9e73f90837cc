using System.Text.Json.Nodes;

namespace SaasLlm.Tests.LiteLlmSimulator;

/// <summary>The knobs of <c>/simulator/mode</c>.</summary>
public sealed class ModeTests
{
    [Fact]
    public async Task Without_a_database_there_are_no_virtual_keys()
    {
        await using var host = await SimulatorHost.StartAsync();
        var key = await KeyAsync(host);
        await host.SetModeAsync("""{"database":"none"}""");

        Assert.Equal((400, "no_db_connection"), await CallAsync(host, key));
        Assert.Equal((200, ""), await CallAsync(host, SimulatorHost.MasterKey));
        using var generate = await host.PostAsync("/key/generate", "{}");
        Assert.Equal(500, (int)generate.StatusCode);
        Assert.Equal("""{"status":"healthy","db":"Not connected"}""", await (await host.GetAsync("/health/readiness", null)).Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task With_the_database_lost_used_keys_live_for_a_minute()
    {
        await using var host = await SimulatorHost.StartAsync();
        var used = await KeyAsync(host);
        var fresh = await KeyAsync(host);
        await CallAsync(host, used);
        await host.SetModeAsync("""{"database":"lost","recorded_timing":false}""");

        Assert.Equal((200, ""), await CallAsync(host, used));
        Assert.Equal((503, "no_db_connection"), await CallAsync(host, fresh));
        host.Time.Shift = TimeSpan.FromSeconds(61);
        Assert.Equal((503, "no_db_connection"), await CallAsync(host, used));
        Assert.Equal((200, ""), await CallAsync(host, SimulatorHost.MasterKey));

        await host.SetModeAsync("""{"database":"connected"}""");
        Assert.Equal((200, ""), await CallAsync(host, used));
        Assert.Equal((200, ""), await CallAsync(host, fresh));
    }

    // The 404 is the trap: the team exists, only the database cannot be asked.
    [Theory]
    [InlineData("POST", "/key/generate", 500)]
    [InlineData("POST", "/key/update", 400)]
    [InlineData("POST", "/team/new", 500)]
    [InlineData("GET", "/team/info?team_id=t", 404)]
    [InlineData("GET", "/model/info", 503)]
    [InlineData("GET", "/health/readiness", 503)]
    [InlineData("GET", "/health/liveliness", 200)]
    public async Task With_the_database_lost_management_answers_as_recorded(string method, string path, int status)
    {
        await using var host = await SimulatorHost.StartAsync();
        await host.SetModeAsync("""{"database":"lost","recorded_timing":false}""");

        using var answer = await host.SendAsync(HttpMethod.Parse(method), path, method == "POST" ? "{}" : null);

        Assert.Equal(status, (int)answer.StatusCode);
    }

    [Fact]
    public async Task A_block_counts_after_the_delay_for_keys_in_use_and_at_once_for_others()
    {
        await using var host = await SimulatorHost.StartAsync();
        await host.SetModeAsync("""{"block_delay_seconds":60}""");
        var used = await KeyAsync(host);
        var fresh = await KeyAsync(host);
        await CallAsync(host, used);
        foreach (var key in (string[])[used, fresh])
        {
            (await host.PostAsync("/key/block", $$"""{"key":"{{key}}"}""")).Dispose();
        }

        Assert.Equal((401, "auth_error"), await CallAsync(host, fresh));
        Assert.Equal((200, ""), await CallAsync(host, used));
        host.Time.Shift = TimeSpan.FromSeconds(61);
        Assert.Equal((401, "auth_error"), await CallAsync(host, used));
    }

    [Fact]
    public async Task A_mode_that_does_not_exist_is_refused()
    {
        await using var host = await SimulatorHost.StartAsync();

        using var answer = await host.PostAsync("/simulator/mode", """{"database":"gone"}""");

        Assert.Equal(400, (int)answer.StatusCode);
    }

    // Seven chunks and [DONE]: six waits of 50 ms.
    [Fact]
    public async Task Chunks_can_be_spaced()
    {
        await using var host = await SimulatorHost.StartAsync();
        await host.SetModeAsync("""{"chunk_delay_ms":50}""");
        var started = TimeProvider.System.GetTimestamp();

        using var answer = await host.ChatAsync("gpt-4o", stream: true);
        var lines = (await answer.Content.ReadAsStringAsync()).Split("\n\n", StringSplitOptions.RemoveEmptyEntries);

        Assert.Equal(8, lines.Length);
        Assert.True(TimeProvider.System.GetElapsedTime(started) >= TimeSpan.FromMilliseconds(290));
    }

    [Fact]
    public async Task A_reset_forgets_everything()
    {
        await using var host = await SimulatorHost.StartAsync();
        var key = await KeyAsync(host);
        await host.SetModeAsync("""{"database":"lost"}""");

        (await host.PostAsync("/simulator/reset", "{}")).Dispose();

        Assert.Equal((401, "token_not_found_in_db"), await CallAsync(host, key));
        Assert.Equal(
            """{"database":"connected","block_delay_seconds":0,"chunk_delay_ms":0,"recorded_timing":true}""",
            await (await host.GetAsync("/simulator/mode")).Content.ReadAsStringAsync());
    }

    private static async Task<string> KeyAsync(SimulatorHost host)
    {
        using var made = await host.PostAsync("/key/generate", "{}");
        return JsonNode.Parse(await made.Content.ReadAsStringAsync())!["key"]!.GetValue<string>();
    }

    private static async Task<(int Status, string Type)> CallAsync(SimulatorHost host, string key)
    {
        using var answer = await host.ChatAsync("gpt-4o", key: key);
        var body = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
        return ((int)answer.StatusCode, body["error"]?["type"]?.GetValue<string>() ?? "");
    }
}
