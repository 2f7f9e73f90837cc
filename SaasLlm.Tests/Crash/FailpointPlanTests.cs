using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Internal;
using SaasLlm.Core.Failpoints;

namespace SaasLlm.Tests.Crash;

/// <summary>Failpoints are off, or exactly what the configuration says; never in Production.</summary>
public sealed class FailpointPlanTests
{
    [Fact]
    public void Nothing_configured_is_no_plan() => Assert.Null(Read(Environments.Production));

    [Fact]
    public void Production_refuses_to_start_and_names_the_failpoint()
    {
        var refused = Assert.Throws<InvalidOperationException>(() => Read(Environments.Production, ("writer.after_commit", "kill")));

        Assert.Contains("Failpoints:writer.after_commit", refused.Message, StringComparison.Ordinal);
        Assert.Contains("Production", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_name_that_no_failpoint_has_is_refused()
        => Assert.Contains("writer.after_comit", Assert.Throws<InvalidOperationException>(() => Read("Testing", ("writer.after_comit", "kill"))).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("")]
    [InlineData("explode")]
    [InlineData("kill:0")]
    [InlineData("kill:soon")]
    [InlineData("delay:-5")]
    public void A_mode_that_means_nothing_is_refused(string mode)
        => Assert.Throws<InvalidOperationException>(() => Read("Testing", ("writer.after_commit", mode)));

    [Fact]
    public void Strikes_at_the_hit_that_was_asked_for_and_only_there()
    {
        var plan = Read("Testing", ("writer.after_commit", "throw:3"))!;
        plan.Hit("writer.after_commit");
        plan.Hit("writer.after_push");
        plan.Hit("writer.after_commit");

        Assert.Throws<FailpointException>(() => plan.Hit("writer.after_commit"));
        plan.Hit("writer.after_commit");
    }

    [Fact]
    public void Skips_only_what_it_was_told_to_skip()
    {
        var plan = Read("Testing", ("ledger.release_reservation", "skip"), ("writer.after_commit", "throw:9"))!;

        Assert.True(plan.Skips("ledger.release_reservation"));
        Assert.False(plan.Skips("writer.after_commit"));
        Assert.False(plan.Skips("writer.after_push"));
        plan.Hit("ledger.release_reservation");
    }

    [Fact]
    public void The_clock_of_one_process_can_be_wrong()
    {
        var clock = Read("Testing", ("machine.clock", "shift:-3600000"))!.Clock!;

        Assert.InRange(TimeProvider.System.GetUtcNow() - clock.GetUtcNow(), TimeSpan.FromMinutes(59), TimeSpan.FromMinutes(61));
        Assert.Null(Read("Testing", ("writer.after_commit", "kill"))!.Clock);
        Assert.Throws<InvalidOperationException>(() => Read("Testing", ("machine.clock", "kill")));
    }

    private static FailpointPlan? Read(string environment, params (string Name, string Mode)[] orders)
        => FailpointPlan.Read(
            new ConfigurationBuilder().AddInMemoryCollection(orders.Select(order => KeyValuePair.Create("Failpoints:" + order.Name, (string?)order.Mode))).Build(),
            new HostingEnvironment { EnvironmentName = environment });
}
