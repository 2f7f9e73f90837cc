using Npgsql;
using SaasLlm.Benchmarks.Crash.Load;

namespace SaasLlm.Benchmarks.Crash.Checks;

/// <summary>Whether what the clients were told is what the tables say.</summary>
internal static class WitnessChecks
{
    // Says that nothing was accepted, whatever happened to the store.
    private const string NothingAccepted = "store.unavailable";

    // Says that the call may have been made, and will not be made again.
    private const string OutcomeUnknown = "idempotency.outcome_unknown";

    public static async Task<IReadOnlyList<string>> FindAsync(NpgsqlDataSource source, Witness witness)
    {
        List<string> found = [];
        var jobs = await JobsAsync(source);
        var byTask = jobs.Values.ToLookup(job => job.Task);
        foreach (var seen in witness.Creates)
        {
            var rows = byTask[seen.Task].Count();
            if (seen.JobId is { } id ? rows != 1 || !jobs.TryGetValue(id, out var job) || job.TeamId != seen.TeamId : rows > 1 || (rows > 0 && IsRefusal(seen.Status, seen.Code)))
            {
                found.Add($"answer to a create is not true: {seen.TeamId} {seen.Task}: {seen.Status} {seen.Code} {seen.JobId}, {rows} jobs");
            }
        }

        foreach (var seen in witness.Ends.Where(end => end.Ended is not null))
        {
            if (!jobs.TryGetValue(seen.JobId, out var job) || job.Status != seen.Ended || job.Charged != seen.CreditsCharged)
            {
                found.Add($"answer to an end is not true: {seen.TeamId} {seen.JobId}: {seen.Ended} for {seen.CreditsCharged}, but it is {job?.Status} for {job?.Charged}");
            }
        }

        foreach (var seen in witness.OneShots)
        {
            var rows = byTask[seen.Task].ToList();
            // Each 503 may have left a job that expires: the repeat under the same key opened another. A call that failed is made anew as well,
            // and who asked again after a lost answer never heard of the job that failed before.
            var counted = rows.Where(row => row.Charged != 0 || row.Status == "completed").ToList();
            var isTrue = rows.Count(row => row.Status != "failed") <= 1 + seen.Refusals && (seen.JobId is { } id
                ? counted is [{ Status: "completed" } done] && done.Id == id && done.TeamId == seen.TeamId && done.Charged == seen.CreditsCharged
                : counted is [] || (counted is [_] && !IsUncharged(seen)));
            if (!isTrue)
            {
                found.Add($"answer to a one-shot is not true: {seen}: {string.Join(", ", rows)}");
            }
        }

        await AddCallsAsync(source, witness, found);
        await AddGrantsAsync(source, witness, found);
        return found;
    }

    private static bool IsRefusal(int status, string? code) => (status is >= 400 and < 500) || code == NothingAccepted;

    // Of a 503 the store may know more than who answered.
    private static bool IsUncharged(SeenOneShot seen) => seen.Status is not 0 and not 503 && seen.Code != OutcomeUnknown;

    private static async Task AddCallsAsync(NpgsqlDataSource source, Witness witness, List<string> found)
    {
        var succeeded = new HashSet<Guid>();
        await ReadAsync(source, "SELECT call_id FROM llm_calls WHERE status = 'succeeded'", row => succeeded.Add(row.GetGuid(0)));
        found.AddRange(witness.Calls
            .Where(seen => seen.CallId is { } call && !succeeded.Contains(call))
            .Select(seen => $"answer to a call is not true: {seen.TeamId} {seen.JobId}: there is no call {seen.CallId}"));
    }

    private static async Task AddGrantsAsync(NpgsqlDataSource source, Witness witness, List<string> found)
    {
        var granted = new Dictionary<string, (long Count, decimal Credits)>(StringComparer.Ordinal);
        await ReadAsync(
            source,
            "SELECT reason, count(*), sum(amount) FROM credit_transactions WHERE kind <> 'deduction' GROUP BY reason",
            row => granted[row.GetString(0)] = (row.GetInt64(1), row.GetDecimal(2)));
        foreach (var seen in witness.Grants)
        {
            var (count, credits) = granted.GetValueOrDefault(seen.Reason);
            if (seen.Status == 200 ? count != 1 || credits != seen.Credits : count > 1 || (count > 0 && IsRefusal(seen.Status, seen.Code)))
            {
                found.Add($"answer to a grant is not true: {seen.TeamId} {seen.Reason}: {seen.Status} {seen.Code}, {count} transactions of {credits}");
            }
        }
    }

    private static async Task<Dictionary<Guid, JobRow>> JobsAsync(NpgsqlDataSource source)
    {
        var jobs = new Dictionary<Guid, JobRow>();
        await ReadAsync(
            source,
            """
            SELECT j.job_id, j.team_id, coalesce(j.external_task_id, ''), j.status, coalesce(-sum(t.amount), 0)
              FROM jobs j LEFT JOIN credit_transactions t ON t.team_id = j.team_id AND t.job_id = j.job_id AND t.kind = 'deduction'
             GROUP BY j.team_id, j.job_id
            """,
            row => jobs[row.GetGuid(0)] = new(row.GetGuid(0), row.GetString(1), row.GetString(2), row.GetString(3), row.GetDecimal(4)));
        return jobs;
    }

    private static async Task ReadAsync(NpgsqlDataSource source, string sql, Action<NpgsqlDataReader> read)
    {
        await using var command = source.CreateCommand(sql);
        await using var rows = await command.ExecuteReaderAsync();
        while (await rows.ReadAsync())
        {
            read(rows);
        }
    }

    private sealed record JobRow(Guid Id, string TeamId, string Task, string Status, decimal Charged);
}
