using System.Text;
using System.Text.Json.Nodes;
using SaasLlm.Tests.Access;

namespace SaasLlm.Tests.OpenAi;

/// <summary>What a tenant says of its job is written in one batch with other teams' jobs: what Postgres cannot store does not come that far.</summary>
[Collection(ApiTests.Name)]
public sealed class LabelTests(ApiFixture api)
{
    private static readonly string s_digits = $"0.{new string('1', 16_300)}e-308";

    public static TheoryData<string, string, string> Unstorable()
    {
        var data = new TheoryData<string, string, string>();
        foreach (var (path, fields) in new[]
        {
            ("/v1/chat/completions", "\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]"),
            ("/v1/responses", "\"input\":\"x\""),
            ("/v1/completions", "\"prompt\":\"x\""),
            ("/v1/embeddings", "\"input\":\"x\""),
        })
        {
            data.Add(path, "metadata", fields + """,  "metadata":{"a":"\u0000"}""");
            data.Add(path, "metadata", fields + """,  "metadata":{"\u0000":"a"}""");
            data.Add(path, "metadata", fields + """,  "metadata":{"a":1e999999}""");
            data.Add(path, "metadata", fields + $$""","metadata":{"a":{{s_digits}}}""");
            data.Add(path, "metadata", fields + $$""","metadata":{"a":"{{new string('x', 16 * 1024)}}"}""");
            data.Add(path, "metadata", fields + ""","metadata":[]""");
            data.Add(path, "user", fields + ""","user":"a\u0000" """);
            data.Add(path, "user", fields + ""","user":"a\nb" """);
            data.Add(path, "user", fields + $",\"user\":\"{new string('x', 256)}\"");
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Unstorable))]
    public async Task What_cannot_be_stored_is_refused_by_name(string path, string field, string fields)
    {
        var (team, group) = await ReadyAsync(path == "/v1/embeddings");

        var answer = (await api.First.As(team.Key).PostAsync(path, $$"""{"model":"{{group}}",{{fields}}}""")).Is(400, "llm.invalid_request");

        Assert.Equal((field, "invalid_request_error"), ((string)answer["error"]!["param"]!, (string)answer["error"]!["type"]!));
        Assert.Equal(0, await JobsAsync(team));
    }

    [Theory]
    [InlineData("X-Job-Type", "a b")]
    [InlineData("X-User-Id", "a\u0001b")]
    [InlineData("X-External-Task-Id", "a\u0001b")]
    [InlineData("X-User-Id", "LONG")]
    [InlineData("X-External-Task-Id", "LONG")]
    [InlineData("X-Job-Id", "job-1")]
    public async Task A_header_that_is_no_label_is_refused_by_name(string header, string value)
    {
        var (team, group) = await ReadyAsync();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions")
        {
            Content = new StringContent($$"""{"model":"{{group}}","messages":[{"role":"user","content":"x"}]}""", Encoding.UTF8, "application/json"),
        };
        request.Headers.TryAddWithoutValidation(header, value == "LONG" ? new string('x', 256) : value);

        using var response = await api.First.As(team.Key).SendRawAsync(request);

        var answer = JsonNode.Parse(await response.Content.ReadAsStringAsync())!;
        Assert.Equal((400, "request.malformed", header), ((int)response.StatusCode, (string)answer["error"]!["code"]!, (string)answer["error"]!["param"]!));
        Assert.Equal(0, await JobsAsync(team));
    }

    // The job has its labels, and the call brings none.
    [Fact]
    public async Task A_call_of_an_open_job_is_not_refused_for_them()
    {
        var (team, group) = await ReadyAsync();
        var client = api.First.As(team.Key);
        var job = (string)(await client.PostAsync("/api/jobs/create", """{"job_type":"test"}""")).Is(200)["job_id"]!;
        (await client.PostAsync($"/api/jobs/{job}/cancel")).Is(200);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions")
        {
            Headers = { { "X-Job-Id", job } },
            Content = new StringContent(
                $$"""{"model":"{{group}}","messages":[{"role":"user","content":"x"}],"user":"{{new string('x', 300)}}","metadata":{"a":1e999999} }""", Encoding.UTF8, "application/json"),
        };

        using var response = await client.SendRawAsync(request);

        // It came as far as the job's end.
        Assert.Equal("job.ended", (string)JsonNode.Parse(await response.Content.ReadAsStringAsync())!["error"]!["code"]!);
    }

    [Fact]
    public async Task Nor_does_it_come_by_the_job_api()
    {
        var (team, _) = await ReadyAsync();
        var client = api.First.As(team.Key);
        var job = (string)(await client.PostAsync("/api/jobs/create", """{"job_type":"test"}""")).Is(200)["job_id"]!;

        Assert.Equal(["error_message"], (await client.PostAsync($"/api/jobs/{job}/complete", """{"status":"failed","error_message":"a\u0000"}""")).Is(400).RefusedFields);
        Assert.Equal(["metadata"], (await client.PostAsync($"/api/jobs/{job}/complete", $$$"""{"status":"failed","metadata":{"a":{{{s_digits}}}}}""")).Is(422).RefusedFields);
        (await client.PostAsync($"/api/jobs/{job}/complete", """{"status":"failed","error_message":"first line\nsecond"}""")).Is(200);
    }

    private async Task<(TestTeam Team, string Group)> ReadyAsync(bool isEmbedding = false)
    {
        var group = await api.CreateGroupAsync();
        if (isEmbedding)
        {
            (await api.Operator.PutAsync($"/api/model-groups/{group}", """{"kind":"embedding"}""")).Is(200);
        }

        return (await api.CreateTeamAsync(credits: 1, organization: null, group), group);
    }

    private Task<long> JobsAsync(TestTeam team) => api.ScalarAsync<long>("SELECT count(*) FROM jobs WHERE team_id = $1", team.Id);
}
