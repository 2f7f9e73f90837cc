using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Credits.Rules;
using SaasLlm.Core.Jobs;
using SaasLlm.Core.Pricing;

namespace SaasLlm.Tests.Credits;

/// <summary>A refused call is told the longest answer that would pass: that one does, and one token more does not.</summary>
public sealed class CallRoomTests
{
    private const int Asked = 1_000_000;

    private static readonly DateTimeOffset s_now = new(2026, 3, 31, 12, 0, 0, TimeSpan.Zero);
    private static readonly JobId s_job = new(Guid.Parse("019a0000-0000-7000-8000-000000000001"));

    [Fact]
    public void The_longest_answer_that_passes_is_exact_whatever_limits_it()
    {
        var random = new Random(20260331);
        Dictionary<string, int> seen = [];
        for (var round = 0; round < 3000; round++)
        {
            var (account, job, lengths) = Case(random);
            if (Start(account, job, lengths, Asked) is not { } refused)
            {
                continue;
            }

            var admitted = (int)refused.Details![CallRoom.MaxTokens]!;
            Assert.NotNull(Start(account, job, lengths, admitted + 1));
            if (admitted > 0)
            {
                Assert.Null(Start(account, job, lengths, admitted));
                Assert.EndsWith($"With max_tokens of at most {admitted} the call would pass now.", refused.Message, StringComparison.Ordinal);
            }

            var kind = $"{refused.Code} {job.Terms.Mode} {(admitted > 0 ? "some" : "none")}";
            seen[kind] = seen.GetValueOrDefault(kind) + 1;
        }

        // Every kind of refusal came, with room for a shorter answer and without.
        string[] kinds =
        [
            "credits.insufficient consumption_tokens", "credits.insufficient consumption_usd", "credits.limit consumption_tokens", "credits.limit consumption_usd",
            "jobs.limit consumption_usd", "jobs.limit job_based",
        ];
        Assert.Equal([], kinds.SelectMany(kind => new[] { $"{kind} some", $"{kind} none" }).Except(seen.Keys));
    }

    [Fact]
    public void What_has_no_length_says_nothing_of_it()
    {
        var account = Account(1, 0) with { Terms = BudgetTerms.Default with { Mode = BudgetMode.ConsumptionTokens, TokensPerCredit = 1 } };

        var refused = CallRules.Start(
            new(account, Job(account.Terms, null)), Call(new(100, 0)), s_now).Answer.Failure!;

        Assert.Equal("credits.insufficient", refused.Code);
        Assert.False(refused.Details!.ContainsKey(CallRoom.MaxTokens));
    }

    [Fact]
    public void A_refusal_that_no_length_changes_says_zero_and_keeps_a_number_it_has()
    {
        var lengths = new AnswerLengths(10, tokens => new(tokens, 0));
        var refusal = CreditRefusal.Insufficient(new(1, 1, 0, 1));

        var closed = CallRoom.Closed(refusal, lengths);

        Assert.Equal((0, refusal.Message), (closed.Details![CallRoom.MaxTokens], closed.Message));
        Assert.Same(refusal, CallRoom.Closed(refusal, null));
        Assert.Same(closed, CallRoom.Closed(closed, lengths));
    }

    private static (AccountState Account, JobState Job, AnswerLengths Lengths) Case(Random random)
    {
        var mode = random.Next(3) switch { 0 => BudgetMode.ConsumptionTokens, 1 => BudgetMode.ConsumptionUsd, _ => BudgetMode.JobBased };
        var terms = new BudgetTerms(mode, 1, random.Next(1, 200), random.Next(1, 20_000), random.Next(1, 40) / 16m, random.Next(0, 4) * 7.5m);
        var hold = terms.OpeningHold;
        var account = Account(hold + (random.Next(0, 4000) / 8m), hold) with
        {
            Terms = terms,
            CreditLimit = random.Next(2) == 0 ? hold + (random.Next(0, 2000) / 8m) : null,
        };
        var job = Job(terms, random.Next(2) == 0 ? random.Next(1, 4000) / 100m : null) with
        {
            HoldAmount = hold,
            ClientCostUsd = random.Next(0, 100) / 100m,
            InputTokens = random.Next(0, 5000),
            Running = random.Next(2) == 0 ? [] : [new(AttemptId.New(TimeProvider.System), CallId.New(TimeProvider.System), s_now.AddMinutes(1), random.Next(9000), random.Next(300) / 100m)],
        };
        var price = new ModelPrice(random.Next(0, 60), random.Next(0, 90), Reasoning: random.Next(0, 99) / 7m, Request: random.Next(0, 3) / 1000m);
        var (prompt, choices) = (random.Next(1, 30_000), random.Next(1, 4));
        return (account, job, new(Asked, tokens => new(prompt + ((long)tokens * choices), price.CostMax(prompt, (long)tokens * choices))));
    }

    private static Failure? Start(AccountState account, JobState job, AnswerLengths lengths, int maxTokens)
        => CallRules.Start(new(account, job), Call(lengths.Estimate(maxTokens)) with { Lengths = lengths with { Asked = maxTokens } }, s_now).Answer.Failure;

    private static StartCall Call(CallEstimate estimate)
        => new("team", s_job, CallId.New(TimeProvider.System), "group", new(AttemptId.New(TimeProvider.System), 1, "model", TimeSpan.FromMinutes(1), estimate));

    private static AccountState Account(decimal allocated, decimal held)
        => new("team", "org", false, allocated, 0, held, BudgetTerms.Default, null, 0, new(2026, 3, 1), 1, 1)
        {
            Lots = [new(new(Guid.Empty), 50, null, s_now.AddDays(-1), allocated, allocated, held)],
        };

    private static JobState Job(BudgetTerms terms, decimal? maxCostUsd)
        => new("team", s_job, false, JobStatus.InProgress, terms, 100, maxCostUsd, s_now.AddHours(-1), s_now.AddHours(1), terms.OpeningHold)
        {
            Lots = [new(new(Guid.Empty), terms.OpeningHold)],
        };
}
