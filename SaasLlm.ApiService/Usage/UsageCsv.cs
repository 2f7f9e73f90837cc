using System.Globalization;
using System.Text;
using FastEndpoints;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.ApiService.Platform.Lists;
using SaasLlm.Core.Common;
using SaasLlm.Core.Usage;

namespace SaasLlm.ApiService.Usage;

/// <summary>A usage report as RFC 4180 CSV: all rows, as they come from the database.</summary>
internal static class UsageCsv
{
    // A report holds a snapshot and a connection of Postgres until its reader has it all.
    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(60);

    private static readonly Failure s_busy = new(FailureKind.Unavailable, "usage.busy", "Too many reports are being written as CSV; repeat later.")
    {
        RetryAfter = TimeSpan.FromSeconds(10),
    };

    private static readonly Failure s_slow = s_busy with { Code = "usage.slow", Message = "The report takes too long; ask for a shorter span." };

    private static readonly (string Name, bool IsOfJobs, bool IsOfOperator, Func<UsageMeasures, decimal> Value)[] s_columns =
    [
        ("total_jobs", true, false, used => used.Jobs),
        ("completed_jobs", true, false, used => used.JobsCompleted),
        ("total_calls", false, false, used => used.Calls),
        ("failed_calls", false, false, used => used.CallsFailed),
        ("input_tokens", false, false, used => used.InputTokens),
        ("cached_input_tokens", false, false, used => used.CachedInputTokens),
        ("output_tokens", false, false, used => used.OutputTokens),
        ("reasoning_tokens", false, false, used => used.ReasoningTokens),
        ("total_cost_usd", false, false, used => used.ClientCostUsd),
        ("credits_used", true, false, used => used.CreditsUsed),
        ("credits_refunded", true, false, used => used.CreditsRefunded),
        ("provider_cost_usd", false, true, used => used.ProviderCostUsd),
        ("margin_usd", false, true, used => used.ClientCostUsd - used.ProviderCostUsd),
        ("revenue_usd", true, true, used => used.RevenueUsd),
        ("unpriced_credits", true, true, used => used.CreditsUnpriced),
        ("profit_usd", true, true, used => used.RevenueUsd - used.ProviderCostUsd),
        ("unknown_cost_calls", false, true, used => used.CallsUnknownCost),
    ];

    /// <summary>
    /// Answers with the report. A failure in its midst, or a reader that takes longer than a minute, cuts the connection: half a report is not
    /// taken for a whole one. 503 <c>usage.busy</c> while the process writes as many as it may.
    /// </summary>
    public static async Task WriteAsync(
        HttpContext context, UsageReader usage, TimeProvider time, UsageQuery query, bool isOperator, CancellationToken cancellation)
    {
        using var turn = usage.TryTakeTurn();
        if (turn is null)
        {
            context.MarkResponseStart();
            await Problem.WriteAsync(context, s_busy);
            return;
        }

        using var over = new CancellationTokenSource(s_longest, time);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(over.Token, cancellation);
        await using var rows = usage.StreamAsync(query, limit.Token).GetAsyncEnumerator(limit.Token);
        bool hasRow;
        try
        {
            // The first row is asked for before the answer begins: a store that is gone is a 503.
            hasRow = await rows.MoveNextAsync();
        }
        catch (OperationCanceledException) when (over.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            context.MarkResponseStart();
            await Problem.WriteAsync(context, s_slow);
            return;
        }

        // What waits for the reader ends with the connection alone.
        await using var cut = over.Token.Register(context.Abort);
        await WriteAsync(context, rows, hasRow, query, isOperator, limit.Token);
    }

    private static async Task WriteAsync(
        HttpContext context, IAsyncEnumerator<UsageRow> rows, bool hasRow, UsageQuery query, bool isOperator, CancellationToken cancellation)
    {
        var columns = s_columns.Where(column => (!column.IsOfJobs || !query.IsOfCalls) && (!column.IsOfOperator || isOperator)).ToList();
        context.MarkResponseStart();
        context.Response.ContentType = "text/csv; charset=utf-8";
        context.Response.Headers.ContentDisposition = "attachment; filename=\"usage.csv\"";
        await using var writer = new StreamWriter(context.Response.Body, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)) { NewLine = "\r\n" };
        await writer.WriteLineAsync(string.Join(',', query.GroupBy.Select(NameOf).Concat(columns.Select(column => column.Name))));
        while (hasRow)
        {
            var row = rows.Current;
            var keys = query.GroupBy.Select((dimension, index) => CsvCell.Of(UsageItemResponse.TextOf(dimension, row.Keys[index]) ?? ""));
            var values = columns.Select(column => Money.Trim(column.Value(row.Measures)).ToString(CultureInfo.InvariantCulture));
            await writer.WriteLineAsync(string.Join(',', keys.Concat(values)).AsMemory(), cancellation);
            hasRow = await rows.MoveNextAsync();
        }
    }

    private static string NameOf(string dimension) => dimension switch
    {
        UsageDimension.Team => "team_id",
        UsageDimension.User => "user_id",
        _ => dimension,
    };
}
