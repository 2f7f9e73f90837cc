using SaasLlm.Tests.Access;
using SaasLlm.Tests.EndToEnd;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.Platform.Idempotency;

/// <summary>A process is killed between its work and its answer, and the client asks another one again.</summary>
public sealed class KilledProcessTests(AppFixture fixture)
{
    private static string Key() => $"key-{Guid.NewGuid():N}";

    // The job that was opened holds the team's last credit: the repeat must not be refused for it.
    [Fact]
    public async Task A_job_opened_by_a_process_that_died_is_the_repeats_answer()
    {
        var tenant = await Tenant.CreateAsync(fixture, 1, "gpt-4-turbo");
        var (key, body) = (Key(), """{"job_type":"test"}""");
        await KilledAtAsync("writer.after_push", tenant, team => team.PostOnceAsync("/api/jobs/create", body, key));
        Assert.Equal(1, (decimal)(await tenant.BalanceAsync())["credits_held"]!);

        var repeat = (await tenant.Team.PostOnceAsync("/api/jobs/create", body, key)).Is(200);

        var jobs = (await tenant.Team.GetAsync($"/api/teams/{tenant.TeamId}/jobs")).Is(200)["items"]!.AsArray();
        Assert.Equal([(string)repeat["job_id"]!], jobs.Select(job => (string)job!["job_id"]!));
        Assert.Null(repeat.Replayed);
        Assert.Equal((repeat.Text, "true"), (await tenant.Team.PostOnceAsync("/api/jobs/create", body, key)) switch { var again => (again.Text, again.Replayed) });
        Assert.True((bool)(await tenant.CompleteAsync((string)repeat["job_id"]!)).Is(200)["costs"]!["credit_applied"]!);
    }

    [Fact]
    public async Task Credits_added_by_a_process_that_died_are_added_once()
    {
        var tenant = await Tenant.CreateAsync(fixture, 1, "gpt-4-turbo");
        var (path, key) = ($"/api/credits/teams/{tenant.TeamId}/add", Key());
        await KilledAtAsync("writer.after_commit", null, asOperator => asOperator.PostOnceAsync(path, """{"credits":7}""", key));

        var repeat = (await tenant.Operator.PostOnceAsync(path, """{"credits":7}""", key)).Is(200);

        Assert.Equal((1m, 8m), ((decimal)repeat["transaction"]!["credits_before"]!, (decimal)repeat["transaction"]!["credits_after"]!));
        Assert.Equal(8, (decimal)(await tenant.BalanceAsync())["credits_remaining"]!);
    }

    [Fact]
    public async Task A_call_sent_by_a_process_that_died_is_not_sent_again()
    {
        var tenant = await Tenant.CreateAsync(fixture, 1, "gpt-4-turbo");
        await tenant.WaitForKeyAsync(fixture);
        var job = await tenant.OpenJobAsync();
        var (path, body, key) = ($"/api/jobs/{job}/llm-call", CallBody(tenant), Key());
        await KilledAtAsync("call.after_upstream", tenant, team => team.PostOnceAsync(path, body, key));

        for (var tries = 0; tries < 3; tries++)
        {
            (await tenant.Team.PostOnceAsync(path, body, key)).Is(409, "idempotency.outcome_unknown");
        }

        Assert.Equal(1, await CallsStartedAsync(job));
        (await tenant.Team.PostOnceAsync(path, body, Key())).Is(200);
        Assert.Equal(2, await CallsStartedAsync(job));
    }

    [Fact]
    public async Task A_call_is_made_once_and_a_failed_one_again()
    {
        var tenant = await Tenant.CreateAsync(fixture, 1, "mock/500");
        await tenant.WaitForKeyAsync(fixture);
        var job = await tenant.OpenJobAsync();
        var (path, body, key) = ($"/api/jobs/{job}/llm-call", CallBody(tenant), Key());
        (await tenant.Team.PostOnceAsync(path, body, key)).Is(502, "llm.all_models_failed");
        (await tenant.Operator.PutAsync($"/api/model-groups/{tenant.Group}/models", """[{"model_name":"gpt-4-turbo"}]""")).Is(200);
        await GroupIsKnownAsync(tenant);

        var answers = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => tenant.Team.PostOnceAsync(path, body, key)));

        Assert.Single(answers.Select(answer => answer.Is(200).Text).Distinct());
        Assert.Single(answers, answer => answer.Replayed is null);
        Assert.Equal(2, await CallsStartedAsync(job));
    }

    private static string CallBody(Tenant tenant) => $$"""{"model_group":"{{tenant.Group}}","messages":[{"role":"user","content":"Say hello."}]}""";

    /// <summary>Sends a request to a process that dies at a failpoint. Its claim lapses within a second.</summary>
    private async Task KilledAtAsync(string failpoint, Tenant? tenant, Func<ApiClient, Task<ApiAnswer>> request)
    {
        var app = await fixture.AppAsync();
        await using var api = await app.StartApiAsync(new Dictionary<string, string>
        {
            ["DOTNET_ENVIRONMENT"] = "Testing",
            [$"Failpoints__{failpoint}"] = "kill",
            ["Idempotency__Lease"] = "00:00:01",
        });
        using var client = new ApiClient(api.Client.BaseAddress!, tenant is null ? AppFixture.AdminKey : await tenant.NewKeyAsync());

        await Assert.ThrowsAsync<HttpRequestException>(() => request(client));
    }

    private async Task<int> CallsStartedAsync(string job)
    {
        await using var source = Npgsql.NpgsqlDataSource.Create((await fixture.AppAsync()).Stores.Postgres);
        await using var command = source.CreateCommand($"SELECT started_calls FROM jobs WHERE job_id = '{job}'");
        return (int)(await command.ExecuteScalarAsync())!;
    }

    private static Task GroupIsKnownAsync(Tenant tenant) => Eventually.IsSoAsync(
        async () => (string)(await tenant.Operator.GetAsync($"/api/model-groups/{tenant.Group}/resolve?team_id={tenant.TeamId}")).Is(200)["primary_model"]! == "gpt-4-turbo",
        () => "the change of the group did not arrive");
}
