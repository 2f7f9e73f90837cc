using Npgsql;

namespace SaasLlm.Benchmarks.Crash.Runners;

/// <summary>Whether every call that reached the gateway has its attempt, and none was made of a step that had ended.</summary>
internal static class SentStepChecks
{
    /// <summary>In whatever transaction the connection is.</summary>
    public static async Task<IReadOnlyList<string>> FindAsync(NpgsqlConnection connection, IReadOnlyCollection<SentStep> sent)
    {
        var steps = await StepsAsync(connection);
        var attempts = await AttemptsAsync(connection);
        var called = sent.Select(call => (call.JobId, call.Step)).ToHashSet();
        return
        [
            .. sent.Where(call => !steps.ContainsKey((call.JobId, call.Step))).Select(call => $"call upstream of no step: {call}"),
            // This machine's clock and Postgres' are one.
            .. sent.Where(call => steps.GetValueOrDefault((call.JobId, call.Step)) is { IsSaved: true } step && call.At > step.EndedAt)
                .Select(call => $"step was called after its end was saved: {call}, saved {steps[(call.JobId, call.Step)].EndedAt:O}"),
            .. sent.CountBy(call => (call.JobId, call.Model)).Where(count => count.Value > attempts.GetValueOrDefault(count.Key))
                .Select(count => $"request upstream without an attempt: {count.Key}: {count.Value} sent, {attempts.GetValueOrDefault(count.Key)} written"),
            .. steps.Where(step => step.Value.IsSaved && !called.Contains(step.Key)).Select(step => $"step succeeded that was never called: {step.Key}"),
        ];
    }

    private static async Task<Dictionary<(Guid JobId, string Name), Step>> StepsAsync(NpgsqlConnection connection)
    {
        await using var command = new NpgsqlCommand("SELECT job_id, name, status = 'succeeded', ended_at FROM background_steps", connection);
        await using var rows = await command.ExecuteReaderAsync();
        var steps = new Dictionary<(Guid, string), Step>();
        while (await rows.ReadAsync())
        {
            steps[(rows.GetGuid(0), rows.GetString(1))] = new(rows.GetBoolean(2), rows.IsDBNull(3) ? null : rows.GetFieldValue<DateTimeOffset>(3));
        }

        return steps;
    }

    private static async Task<Dictionary<(Guid JobId, string Model), long>> AttemptsAsync(NpgsqlConnection connection)
    {
        await using var command = new NpgsqlCommand("SELECT job_id, model_name, count(*) FROM llm_attempts GROUP BY job_id, model_name", connection);
        await using var rows = await command.ExecuteReaderAsync();
        var attempts = new Dictionary<(Guid, string), long>();
        while (await rows.ReadAsync())
        {
            attempts[(rows.GetGuid(0), rows.GetString(1))] = rows.GetInt64(2);
        }

        return attempts;
    }

    private sealed record Step(bool IsSaved, DateTimeOffset? EndedAt);
}
