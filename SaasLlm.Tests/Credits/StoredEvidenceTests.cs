using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Jobs;

namespace SaasLlm.Tests.Credits;

/// <summary>What the writer stores of how well a cost is known, and of the prices that a job keeps.</summary>
public sealed class StoredEvidenceTests(LedgerStores stores) : IClassFixture<LedgerStores>
{
    private const string Columns = "usage_source, cost_low_usd, cost_high_usd, gateway_cost_usd, cache_write_tokens";

    [Fact]
    public async Task An_attempts_and_a_calls_evidence_stand_in_their_rows()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await api.CreateTeamAsync(5);
        var call = await api.StartAsync(team, await api.OpenedAsync(team));
        var ended = LedgerHarness.Closed(call.Attempt.AttemptId, "succeeded") with
        {
            Usage = new(100, 20, 50, 10, 30),
            Evidence = new CostEvidence(UsageSource.Counted, 0.01m, 0.02m),
            GatewayCostUsd = 0.015m,
        };

        Assert.Null((await api.Ledger.EndCallAsync(LedgerHarness.End(call) with
        {
            Ended = ended,
            Usage = ended.Usage,
            Evidence = new CostEvidence(UsageSource.Bounded, 0.03m, 0.04m),
            GatewayCostUsd = 0.5m,
        }, default)).Failure);

        Assert.Equal("counted/0.0100000000/0.0200000000/0.0150000000/30", await RowAsync(api, "llm_attempts", $"attempt_id = '{call.Attempt.AttemptId}'"));
        Assert.Equal("bounded/0.0300000000/0.0400000000/0.5000000000/30", await RowAsync(api, "llm_calls", $"call_id = '{call.CallId}'"));
    }

    [Fact]
    public async Task An_abandoned_attempt_costs_between_nothing_and_its_estimate()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await api.CreateTeamAsync(5);
        var call = LedgerHarness.Intent(team, await api.OpenedAsync(team));
        call = call with { Attempt = call.Attempt with { Estimate = new(1000, 0.25m) } };
        Assert.Null((await api.Ledger.StartCallAsync(call, default)).Failure);
        await api.ExecuteAsync($"UPDATE llm_attempts SET deadline_at = now() - interval '31 seconds' WHERE attempt_id = '{call.Attempt.AttemptId}'");

        await new AbandonedAttemptsPass(api.Source, Options.Create(new JobOptions()), NullLogger<AbandonedAttemptsPass>.Instance).RunAsync(default);

        Assert.Equal("unknown/0.0000000000/0.2500000000//0", await RowAsync(api, "llm_attempts", $"attempt_id = '{call.Attempt.AttemptId}'"));
    }

    [Fact]
    public async Task A_job_keeps_the_version_it_opened_with()
    {
        await using var api = new LedgerHarness(stores.Postgres, stores.Redis);
        var team = await api.CreateTeamAsync(5);
        var job = JobId.New(TimeProvider.System);

        await api.Ledger.OpenJobAsync(new(job, team, "test", null, null, "{}", TimeSpan.FromHours(1), 100, PriceVersion: 7), default);
        await api.StartAsync(team, job);

        Assert.Equal(7L, await api.ScalarAsync<long>($"SELECT price_version FROM jobs WHERE job_id = '{job}'"));
    }

    private static Task<string> RowAsync(LedgerHarness api, string table, string where)
        => api.ScalarAsync<string>($"SELECT concat_ws('/', {Columns.Replace("gateway_cost_usd", "coalesce(gateway_cost_usd::text, '')", StringComparison.Ordinal)}) FROM {table} WHERE {where}");
}
