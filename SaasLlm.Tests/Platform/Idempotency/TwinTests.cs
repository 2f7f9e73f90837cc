using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using SaasLlm.Core.Common;
using SaasLlm.Core.Idempotency;
using SaasLlm.Core.Organizations;
using SaasLlm.Tests.Access;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.Platform.Idempotency;

/// <summary>The same request several times at once, on two replicas.</summary>
[Collection(ApiTests.Name)]
public sealed class TwinTests(ApiFixture api, AppFixture app)
{
    private static string Key() => ApiFixture.Unique("key");

    [Fact]
    public async Task Twins_on_two_replicas_do_the_work_once_and_get_one_answer()
    {
        var team = await api.CreateTeamAsync(credits: 20);
        var (first, second, key) = (api.First.As(team.Key), api.Second.As(team.Key), Key());

        var opened = await Task.WhenAll(Enumerable.Range(0, 20).Select(
            i => (i % 2 == 0 ? first : second).PostOnceAsync("/api/jobs/create", """{"job_type":"test"}""", key)));
        var added = await Task.WhenAll(Enumerable.Range(0, 20).Select(
            i => (i % 2 == 0 ? api.First : api.Second).Operator.PostOnceAsync($"/api/credits/teams/{team.Id}/add", """{"credits":5}""", key)));

        foreach (var answers in new[] { opened, added })
        {
            Assert.Single(answers.Select(answer => answer.Is(200).Text).Distinct());
            Assert.Single(answers, answer => answer.Replayed is null);
        }

        Assert.Equal(1, await api.ScalarAsync<int>("SELECT count(*)::int FROM jobs WHERE team_id = $1", team.Id));
        Assert.Equal((25m, 1m), (await AccountAsync("allocated", team), await AccountAsync("held", team)));
    }

    [Fact]
    public async Task A_twin_waits_for_the_answer_or_is_told_when_to_come_again()
    {
        await using var impatient = await Replica.StartAsync(new Dictionary<string, string?>(
            ApiFixture.Settings(api.PostgresConnection, (await app.StoresAsync()).Redis))
        { ["Idempotency:WaitMax"] = "00:00:00.100" });
        var (organization, key) = (await api.CreateOrganizationAsync(), Key());
        var body = TeamOf(organization);
        await using var hold = await HoldUpAsync(organization);
        var before = await RunningAsync();
        var first = api.First.Operator.PostOnceAsync("/api/teams/create", body, key);
        await BegunAsync(before);
        var waiting = api.Second.Operator.PostOnceAsync("/api/teams/create", body, key);

        var refused = (await impatient.Operator.PostOnceAsync("/api/teams/create", body, key)).Is(409, "idempotency.in_progress");
        (await impatient.Operator.PostOnceAsync("/api/teams/create", body + " ", key)).Is(409, "idempotency.key_reused");
        Assert.False(waiting.IsCompleted);
        await hold.DisposeAsync();

        Assert.Equal("1", refused.RetryAfter);
        var answers = await Task.WhenAll(first, waiting);
        Assert.Equal(answers[0].Is(200).Text, answers[1].Is(200).Text);
        Assert.Equal((null, "true"), (answers[0].Replayed, answers[1].Replayed));
        Assert.Equal(answers[0].Text, (await impatient.Operator.PostOnceAsync("/api/teams/create", body, key)).Is(200).Text);
    }

    // OpenAI's clients repeat a 409 twice within seconds and give up; a model may take minutes.
    [Fact]
    public async Task A_twin_of_a_call_waits_as_long_as_a_call_may_take()
    {
        await using var impatient = await Replica.StartAsync(new Dictionary<string, string?>(
            ApiFixture.Settings(api.PostgresConnection, (await app.StoresAsync()).Redis))
        { ["Idempotency:WaitMax"] = "00:00:00.100" });
        var claims = ClaimsOf(impatient);
        var call = new KeyedRequest("operator", "POST /a/call", [], Key(), "", ReadOnlyMemory<byte>.Empty, MayRepeat: false);
        var other = call with { Key = Key(), MayRepeat = true };
        var work = (await claims.EnterAsync(call, default)).Value.Work!;
        Assert.NotNull((await claims.EnterAsync(other, default)).Value.Work);
        var waiting = claims.EnterAsync(call, default);

        for (var twins = 0; twins < 3; twins++)
        {
            Assert.Equal("idempotency.in_progress", (await claims.EnterAsync(other, default)).Failure!.Code);
        }

        Assert.False(waiting.IsCompleted);
        await claims.CompleteAsync(work, new(200, [], "done"u8.ToArray()));

        Assert.Equal("done", Encoding.UTF8.GetString((await waiting).Value.Answer!.Body.Span));
    }

    [Fact]
    public async Task What_a_caller_left_behind_goes_on_and_waits_for_its_repeat()
    {
        var (organization, key) = (await api.CreateOrganizationAsync(), Key());
        var body = TeamOf(organization);
        await using var hold = await HoldUpAsync(organization);
        using var leaving = new ApiClient(api.First.Address, AppFixture.AdminKey);
        var before = await RunningAsync();
        var left = leaving.PostOnceAsync("/api/teams/create", body, key);
        await BegunAsync(before);
        leaving.Dispose();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => left);
        // The round trip lets the server notice.
        (await api.First.Operator.GetAsync($"/api/organizations/{organization}")).Is(200);
        var repeat = api.Second.Operator.PostOnceAsync("/api/teams/create", body, key);
        await hold.DisposeAsync();

        var again = (await repeat).Is(200);
        Assert.Equal("true", again.Replayed);
        (await api.First.As((string)again["virtual_key"]!).GetAsync($"/api/teams/{again["team_id"]}")).Is(200);
    }

    // Paused for longer than its lease, then awake again: what it was about to commit, another attempt has taken over.
    [Fact]
    public async Task An_attempt_that_lost_its_claim_commits_nothing()
    {
        var request = new KeyedRequest("operator", "POST /a/test", [], Key(), "", ReadOnlyMemory<byte>.Empty, MayRepeat: true);
        var slow = (await ClaimsOf(api.First).EnterAsync(request, default)).Value.Work!;
        await api.LapseAsync();
        var faster = (await ClaimsOf(api.Second).EnterAsync(request, default)).Value.Work!;
        var organization = new NewOrganization(ApiFixture.Unique("org"), "Org");

        await Assert.ThrowsAsync<ClaimLostException>(() => OrganizationsOf(api.First).CreateAsync(organization, default, slow));
        Assert.Equal(0, await CountAsync(organization));
        Assert.Null((await OrganizationsOf(api.Second).CreateAsync(organization, default, faster)).Failure);

        Assert.Equal((slow.Id, false, true), (faster.Id, slow.IsRepeat, faster.IsRepeat));
        Assert.Equal(1, await CountAsync(organization));
        // Nor does its answer count, nor its giving up.
        await ClaimsOf(api.First).CompleteAsync(slow, new(200, [], "slow"u8.ToArray()));
        await ClaimsOf(api.First).ForgetAsync(slow);
        await ClaimsOf(api.Second).CompleteAsync(faster, new(200, [], "faster"u8.ToArray()));
        var answer = (await ClaimsOf(api.First).EnterAsync(request, default)).Value.Answer!;
        Assert.Equal("faster", Encoding.UTF8.GetString(answer.Body.Span));
    }

    [Fact]
    public async Task A_claim_lives_as_long_as_its_attempt_gives_signs_of_life()
    {
        await using var replica = await Replica.StartAsync(new Dictionary<string, string?>(
            ApiFixture.Settings(api.PostgresConnection, (await app.StoresAsync()).Redis))
        { ["Idempotency:Lease"] = "00:00:12", ["Idempotency:WaitMax"] = "00:05:00" });
        var request = new KeyedRequest("operator", "POST /a/test", [], Key(), "", ReadOnlyMemory<byte>.Empty, MayRepeat: true);
        var claims = ClaimsOf(replica);
        var work = (await claims.EnterAsync(request, default)).Value.Work!;
        Task<Result<Entered>> twin;
        await using (claims.KeepAlive(work))
        {
            var lease = await LeaseAsync(work);
            twin = claims.EnterAsync(request, default);
            await Eventually.IsSoAsync(async () => await LeaseAsync(work) > lease + TimeSpan.FromSeconds(1), () => "the lease was not renewed");
            Assert.False(twin.IsCompleted);
        }

        // From here on it is silent, as if its process had died.
        var taken = (await twin).Value.Work!;
        Assert.Equal((work.Id, true), (taken.Id, taken.IsRepeat));
    }

    private static IdempotencyClaims ClaimsOf(Replica replica) => replica.Services.GetRequiredService<IdempotencyClaims>();

    private static OrganizationService OrganizationsOf(Replica replica) => replica.Services.GetRequiredService<OrganizationService>();

    private async Task<DateTimeOffset> LeaseAsync(IdempotentWork work)
        => new(await api.ScalarAsync<DateTime>("SELECT lease_until FROM idempotency_keys WHERE work_id = $1", work.Id));

    private Task<int> CountAsync(NewOrganization organization)
        => api.ScalarAsync<int>("SELECT count(*)::int FROM organizations WHERE organization_id = $1", organization.OrganizationId!);

    private Task<decimal> AccountAsync(string column, TestTeam team)
        => api.ScalarAsync<decimal>($"SELECT {column} FROM team_credits WHERE team_id = $1", team.Id);

    private static string TeamOf(string organization)
        => $$"""{"organization_id":"{{organization}}","team_id":"{{ApiFixture.Unique("team")}}","team_alias":"Team"}""";

    /// <summary>Until it is disposed, no team of the organization comes to be: its row is locked.</summary>
    private async Task<Hold> HoldUpAsync(string organization)
    {
        var connection = await api.Database.OpenConnectionAsync();
        var transaction = await connection.BeginTransactionAsync();
        await using var command = new NpgsqlCommand("SELECT 1 FROM organizations WHERE organization_id = $1 FOR UPDATE", connection, transaction);
        command.Parameters.Add(new() { Value = organization });
        await command.ExecuteNonQueryAsync();
        return new(connection, transaction);
    }

    // Other tests leave claims behind.
    private Task<Guid[]> RunningAsync()
        => api.ScalarAsync<Guid[]>("SELECT coalesce(array_agg(work_id), '{}') FROM idempotency_keys WHERE state = 'running'");

    private Task BegunAsync(Guid[] before)
        => Eventually.IsSoAsync(async () => (await RunningAsync()).Except(before).Any(), () => "nobody claimed the key");

    private sealed class Hold(NpgsqlConnection connection, NpgsqlTransaction transaction) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await transaction.DisposeAsync();
            await connection.DisposeAsync();
        }
    }
}
