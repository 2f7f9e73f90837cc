using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Tests.Access;

namespace SaasLlm.Tests.Credits;

/// <summary>What a job was due and its team did not have: on the job, to its readers, and counted once.</summary>
[Collection(ApiTests.Name)]
public sealed class UncollectedTests(ApiFixture api)
{
    [Fact]
    public async Task Is_shown_on_the_job_and_counted_at_its_end_and_never_again()
    {
        var team = await api.CreateTeamAsync(2);
        (await api.Operator.PatchAsync($"/api/credits/teams/{team.Id}/budget-mode", """
            {"budget_mode":"consumption_tokens","tokens_per_credit":3,"credit_increment":0.5,"markup_percent":20}
            """)).Is(200);
        var own = api.First.As(team.Key);
        var job = new JobId(Guid.Parse(await own.OpenJobAsync()));
        var ledger = api.First.Services.GetRequiredService<ILedger>();
        var call = LedgerHarness.Intent(team.Id, job);
        Assert.Null((await ledger.StartCallAsync(call, default)).Failure);
        Assert.Null((await ledger.EndCallAsync(LedgerHarness.End(call), default)).Failure);

        using var counted = new CountedUncollected(api.First.Services);
        var ended = (await own.PostAsync($"/api/jobs/{job}/complete", """{"status":"completed"}""")).Is(200);
        var repeat = (await own.PostAsync($"/api/jobs/{job}/complete", """{"status":"completed"}""")).Is(200);

        // 15 tokens at 3 a credit are 5; the team had 2.
        Assert.Equal((2m, 3m, true, null), (
            (decimal)ended["costs"]!["credits_charged"]!, (decimal)ended["costs"]!["uncollected_credits"]!,
            (bool)ended["costs"]!["credit_applied"]!, ended["costs"]!["credit_reason"]));
        Assert.Equal(ended.Text, repeat.Text);
        Assert.Equal([3d], counted.Values);
        var shown = (await own.GetAsync($"/api/jobs/{job}")).Is(200);
        Assert.Equal(("consumption_tokens", 3m, 0m), ((string)shown["budget_mode"]!, (decimal)shown["uncollected_credits"]!, (decimal)shown["refunded_credits"]!));
    }

    [Fact]
    public async Task The_operator_sees_by_which_terms_a_job_was_charged_and_from_which_lots()
    {
        var team = await api.CreateTeamAsync(2);
        var lot = await api.GrantAsync(team, """{"credits":1,"priority":0}""");
        (await api.Operator.PatchAsync($"/api/credits/teams/{team.Id}/budget-mode", """{"credits_per_job":1.5}""")).Is(200);
        var own = api.First.As(team.Key);
        using var counted = new CountedUncollected(api.First.Services);
        var job = await own.CompleteJobAsync();
        (await api.Operator.PostAsync($"/api/credits/teams/{team.Id}/refund", $$"""{"job_id":"{{job}}","credits":0.25}""")).Is(200);

        var costs = (await api.Operator.GetAsync($"/api/jobs/{job}/costs")).Is(200);
        Assert.Equal(
            """{"budget_mode":"job_based","price":1.5,"credits_per_dollar":10,"tokens_per_credit":10000,"credit_increment":1,"markup_percent":0,"max_calls":100,"max_cost_usd":null}""",
            costs["terms"]!.ToJsonString());
        Assert.Equal((0m, 0.25m, "settled", null), (
            (decimal)costs["uncollected_credits"]!, (decimal)costs["refunded_credits"]!, (string)costs["hold_state"]!, costs["credit_reason"]));
        Assert.Equal([(lot, 1m)], Lots(costs).Take(1));
        Assert.Equal([1m, 0.5m], Lots(costs).Select(share => share.Credits));
        Assert.Empty(counted.Values);
        (await own.GetAsync($"/api/jobs/{job}/costs")).Is(403, "access.forbidden");
    }

    [Fact]
    public async Task Why_nothing_was_charged_is_said()
    {
        var team = await api.CreateTeamAsync(2);
        var own = api.First.As(team.Key);
        var job = await own.OpenJobAsync();
        (await own.PostAsync($"/api/jobs/{job}/complete", """{"status":"failed"}""")).Is(200);
        Assert.Equal("failed", (string)(await own.GetAsync($"/api/jobs/{job}")).Is(200)["credit_reason"]!);
        var costs = (await api.Operator.GetAsync($"/api/jobs/{job}/costs")).Is(200);
        Assert.Equal(("failed", "released"), ((string)costs["credit_reason"]!, (string)costs["hold_state"]!));
        Assert.Empty(costs["lots"]!.AsArray());
    }

    private static (string Lot, decimal Credits)[] Lots(ApiAnswer costs)
        => [.. costs["lots"]!.AsArray().Select(share => ((string)share!["lot_id"]!, (decimal)share["credits"]!))];

    /// <summary>Hears one replica's counter.</summary>
    private sealed class CountedUncollected : IDisposable
    {
        private readonly MeterListener _listener = new();
        private readonly List<double> _values = [];

        public CountedUncollected(IServiceProvider replica)
        {
            var meters = replica.GetRequiredService<IMeterFactory>();
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Name == "saasllm.credits.uncollected" && ReferenceEquals(instrument.Meter.Scope, meters))
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            };
            _listener.SetMeasurementEventCallback<double>((_, value, _, _) =>
            {
                lock (_values)
                {
                    _values.Add(value);
                }
            });
            _listener.Start();
        }

        public IReadOnlyList<double> Values
        {
            get
            {
                lock (_values)
                {
                    return [.. _values];
                }
            }
        }

        public void Dispose() => _listener.Dispose();
    }
}
