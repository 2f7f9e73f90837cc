namespace SaasLlm.Core.Credits.Rules;

/// <summary>How a team is charged from the next job on; open jobs keep what they opened with.</summary>
internal static class ConfigureAccountRule
{
    public static Decision<Accepted> Decide(LedgerState state, ConfigureAccount command)
    {
        if (state.Account is not { } account)
        {
            return Decision<Accepted>.Unchanged(state, LedgerFailures.TeamNotFound);
        }

        var after = account with
        {
            Terms = command.Terms?.Apply(account.Terms) ?? account.Terms,
            CreditLimit = command.Limit is { } limit ? limit.Credits : account.CreditLimit,
            LowThresholds = command.Thresholds?.LowCredits ?? account.LowThresholds,
            UnchargedThresholdUsd = command.Thresholds?.UnchargedUsd is { } uncharged ? uncharged.Usd : account.UnchargedThresholdUsd,
        };
        return new(default(Accepted), state with { Account = after }, [new AccountConfigured(after)]);
    }
}
