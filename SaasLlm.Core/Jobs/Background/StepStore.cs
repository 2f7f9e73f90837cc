using Npgsql;
using NpgsqlTypes;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits.Writing;
using SaasLlm.Core.Teams;

namespace SaasLlm.Core.Jobs.Background;

/// <summary>Takes steps and saves what became of them; each method is one transaction, however many steps; what taken ones are to send is read after it.</summary>
internal sealed class StepStore(BackgroundDatabase database, TimeProvider time)
{
    /// <summary>Takes ready steps, fairly between teams.</summary>
    /// <param name="steps">At most.</param>
    /// <param name="teamRunningMax">Steps of one team that run then, on all runners, at most.</param>
    /// <param name="allRunningMax">Steps that run then, on all runners, at most; 0: no such limit.</param>
    /// <param name="callsHere">Calls of teams that run in this runner, also those whose steps have ended; a team has no more than it may run at once.</param>
    /// <param name="cancellation">Before it begins; then it is finished, for what is taken and not run counts as tried, and lies until its lease ends.</param>
    public async Task<IReadOnlyList<ClaimedStep>> ClaimAsync(
        int steps, int teamRunningMax, int allRunningMax, TimeSpan lease, IReadOnlyList<KeyValuePair<string, int>> callsHere, CancellationToken cancellation)
    {
        var token = Uuid7.New(time);
        await using var connection = await database.Source.OpenConnectionAsync(cancellation);
        var claimed = await TakeAsync(connection, token, steps, teamRunningMax, allRunningMax, lease, callsHere);
        return claimed.Count == 0 ? claimed : await WithBodiesAsync(connection, claimed);
    }

    private static async Task<List<ClaimedStep>> TakeAsync(
        NpgsqlConnection connection, Guid token, int steps, int teamRunningMax, int allRunningMax, TimeSpan lease,
        IReadOnlyList<KeyValuePair<string, int>> callsHere)
    {
        await using var batch = connection.CreateBatch();
        if (allRunningMax > 0)
        {
            batch.Add(StepSql.OneClaimAtATime);
        }

        batch.Add(
            StepSql.Claim, Sql.Value(allRunningMax), Sql.Value(teamRunningMax), Sql.Value(steps), Sql.Value(lease), Sql.Value(token),
            Sql.Column(callsHere, NpgsqlDbType.Text, team => team.Key), Sql.Column(callsHere, NpgsqlDbType.Integer, team => team.Value));
        await using var rows = await batch.ExecuteReaderAsync();
        if (allRunningMax > 0)
        {
            await rows.NextResultAsync();
        }

        List<ClaimedStep> claimed = [];
        while (await rows.ReadAsync())
        {
            claimed.Add(new(
                IdOf(rows), token, rows.GetString(3), rows.IsDBNull(4) ? null : rows.GetString(4), Request: [], Template: null, rows.GetInt32(5), rows.GetInt32(6),
                rows.IsDBNull(7) ? null : rows.GetTimeSpan(7)));
        }

        return claimed;
    }

    // After the claim has committed: the other runners' claims wait for this one's, and not for all that it reads.
    private static async Task<List<ClaimedStep>> WithBodiesAsync(NpgsqlConnection connection, List<ClaimedStep> claimed)
    {
        var jobs = claimed.Select(step => (step.Id.TeamId, step.Id.JobId)).Distinct().ToList();
        await using var batch = connection.CreateBatch();
        foreach (var sql in (string[])[StepSql.Templates, StepSql.Callers])
        {
            batch.Add(sql, Sql.Column(jobs, NpgsqlDbType.Text, job => job.TeamId), Sql.Column(jobs, NpgsqlDbType.Uuid, job => job.JobId.Value));
        }

        batch.Add(
            StepSql.Requests,
            Sql.Column(claimed, NpgsqlDbType.Text, step => step.Id.TeamId),
            Sql.Column(claimed, NpgsqlDbType.Uuid, step => step.Id.JobId.Value),
            Sql.Column(claimed, NpgsqlDbType.Integer, step => step.Id.Ordinal));
        await using var rows = await batch.ExecuteReaderAsync();
        Dictionary<(string, JobId), byte[]> templates = [];
        while (await rows.ReadAsync())
        {
            templates[(rows.GetString(0), new(rows.GetGuid(1)))] = rows.GetFieldValue<byte[]>(2);
        }

        await rows.NextResultAsync();
        Dictionary<(string, JobId), TeamCaller> callers = [];
        while (await rows.ReadAsync())
        {
            callers[(rows.GetString(0), new(rows.GetGuid(1)))] = new(rows.GetString(0), rows.GetString(2), rows.GetGuid(3), rows.GetBoolean(4))
            {
                TeamLimits = TeamLimits.Read(rows, 5),
                KeyLimits = TeamLimits.Read(rows, 8),
            };
        }

        await rows.NextResultAsync();
        List<ClaimedStep> whole = [];
        while (await rows.ReadAsync())
        {
            var step = claimed[(int)rows.GetInt64(0) - 1];
            var job = (step.Id.TeamId, step.Id.JobId);
            whole.Add(step with { Request = rows.GetFieldValue<byte[]>(1), Template = templates.GetValueOrDefault(job), Caller = callers.GetValueOrDefault(job) });
        }

        return whole;
    }

    /// <summary>
    /// Saves outcomes, and lets follow what waited for them. The answer says of each whether its step ended so (now, or by the same call
    /// before); one whose lease is lost is discarded.
    /// </summary>
    public async Task<IReadOnlyList<bool>> SaveAsync(IReadOnlyList<StepOutcome> outcomes, CancellationToken cancellation)
    {
        var ended = outcomes.OfType<StepEnded>().ToList();
        var putBack = outcomes.OfType<StepPutBack>().ToList();
        await using var connection = await database.Source.OpenConnectionAsync(cancellation);
        await using var batch = connection.CreateBatch();
        batch.Add(PlanSql.LockTeams, Sql.Value(outcomes.Select(outcome => outcome.Id.TeamId).Distinct().ToArray()));
        if (putBack.Count > 0)
        {
            batch.Add(StepSql.PutBack, [.. Keys(putBack), .. PutBackColumns(putBack)]);
        }

        if (ended.Count > 0)
        {
            batch.Add(StepSql.End, [.. Keys(ended), .. EndColumns(ended)]);
            AddFollowers(batch, ended);
        }

        HashSet<StepId> saved = [];
        await using var rows = await batch.ExecuteReaderAsync(cancellation);
        do
        {
            while (rows.FieldCount == 3 && await rows.ReadAsync(cancellation))
            {
                saved.Add(IdOf(rows));
            }
        }
        while (await rows.NextResultAsync(cancellation));
        return [.. outcomes.Select(outcome => outcome is StepPutBack || saved.Contains(outcome.Id))];
    }

    /// <summary>Keeps the leases of steps that run here.</summary>
    public async Task RenewAsync(IReadOnlyList<ClaimedStep> steps, TimeSpan lease, CancellationToken cancellation)
    {
        await using var connection = await database.Source.OpenConnectionAsync(cancellation);
        await using var batch = connection.CreateBatch();
        batch.Add(PlanSql.LockTeams, Sql.Value(steps.Select(step => step.Id.TeamId).Distinct().ToArray()));
        batch.Add(StepSql.Renew, [.. Ids([.. steps.Select(step => step.Id)]), Sql.Column(steps, NpgsqlDbType.Uuid, step => step.Token), Sql.Value(lease)]);
        await batch.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>Makes steps ready whose time has come; how many.</summary>
    public async Task<int> MakeDueReadyAsync(int max, CancellationToken cancellation)
    {
        var due = new List<StepId>();
        await using (var command = database.Source.CreateCommand(StepSql.Due))
        {
            command.Parameters.Add(Sql.Value(max));
            await using var rows = await command.ExecuteReaderAsync(cancellation);
            while (await rows.ReadAsync(cancellation))
            {
                due.Add(IdOf(rows));
            }
        }

        if (due.Count > 0)
        {
            await ChangeAsync(StepSql.MakeReady, due, [.. Ids(due)], cancellation);
        }

        return due.Count;
    }

    /// <summary>How many steps wait for a runner, of all teams.</summary>
    public async Task<long> CountReadyAsync(CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(StepSql.CountReady);
        return (long)(await command.ExecuteScalarAsync(cancellation))!;
    }

    /// <summary>Steps whose runner no longer keeps their lease, with their tokens and how often they were claimed without an end.</summary>
    public async Task<IReadOnlyList<(StepId Id, Guid Token, int Claims)>> OverdueAsync(int max, CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(StepSql.Overdue);
        command.Parameters.Add(Sql.Value(max));
        await using var rows = await command.ExecuteReaderAsync(cancellation);
        List<(StepId, Guid, int)> overdue = [];
        while (await rows.ReadAsync(cancellation))
        {
            overdue.Add((IdOf(rows), rows.GetGuid(3), rows.GetInt32(4)));
        }

        return overdue;
    }

    /// <summary>Makes steps ready again whose lease has run out.</summary>
    public Task TakeBackAsync(IReadOnlyList<(StepId Id, Guid Token, int Claims)> steps, CancellationToken cancellation)
    {
        List<StepId> ids = [.. steps.Select(step => step.Id)];
        return ChangeAsync(StepSql.TakeBack, ids, [.. Ids(ids), Sql.Column(steps, NpgsqlDbType.Uuid, step => step.Token)], cancellation);
    }

    /// <summary>What a job's steps were answered, by their names, still sealed; a step that has not succeeded is not there.</summary>
    public async Task<IReadOnlyDictionary<string, (int Ordinal, byte[] Output)>> OutputsAsync(
        string teamId, JobId jobId, string[] names, CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(StepSql.Outputs);
        command.Parameters.Add(Sql.Value(teamId));
        command.Parameters.Add(Sql.Value(jobId.Value));
        command.Parameters.Add(Sql.Value(names));
        await using var rows = await command.ExecuteReaderAsync(cancellation);
        var outputs = new Dictionary<string, (int, byte[])>(StringComparer.Ordinal);
        while (await rows.ReadAsync(cancellation))
        {
            outputs[rows.GetString(1)] = (rows.GetInt32(0), rows.GetFieldValue<byte[]>(2));
        }

        return outputs;
    }

    private async Task ChangeAsync(string sql, IEnumerable<StepId> steps, NpgsqlParameter[] parameters, CancellationToken cancellation)
    {
        await using var connection = await database.Source.OpenConnectionAsync(cancellation);
        await using var batch = connection.CreateBatch();
        batch.Add(PlanSql.LockTeams, Sql.Value(steps.Select(step => step.TeamId).Distinct().ToArray()));
        batch.Add(sql, parameters);
        await batch.ExecuteNonQueryAsync(cancellation);
    }

    // What follows of ends: skipped, freed and promoted steps, jobs that are through, events.
    private void AddFollowers(NpgsqlBatch batch, List<StepEnded> ended)
    {
        List<(string Team, JobId Job)> jobs = [.. ended.Select(end => (end.Id.TeamId, end.Id.JobId)).Distinct()];
        List<StepId> failed = [.. ended.Where(end => end.Failure is not null).Select(end => end.Id)];
        if (failed.Count > 0)
        {
            batch.Add(StepSql.SkipRest, [.. Jobs()]);
            batch.Add(StepSql.SkipDependents, [.. Ids(failed)]);
        }

        batch.Add(PlanSql.Promote, [.. Jobs()]);
        batch.Add(StepSql.Finish, [.. Jobs()]);
        batch.Add(StepSql.TellProgress, [.. Jobs(), Sql.Column(jobs, NpgsqlDbType.Uuid, _ => Uuid7.New(time))]);

        IEnumerable<NpgsqlParameter> Jobs() =>
            [Sql.Column(jobs, NpgsqlDbType.Text, job => job.Team), Sql.Column(jobs, NpgsqlDbType.Uuid, job => job.Job.Value)];
    }

    private static StepId IdOf(NpgsqlDataReader rows) => new(rows.GetString(0), new(rows.GetGuid(1)), rows.GetInt32(2));

    private static IEnumerable<NpgsqlParameter> Ids(List<StepId> steps) =>
    [
        Sql.Column(steps, NpgsqlDbType.Text, step => step.TeamId),
        Sql.Column(steps, NpgsqlDbType.Uuid, step => step.JobId.Value),
        Sql.Column(steps, NpgsqlDbType.Integer, step => step.Ordinal),
    ];

    private static IEnumerable<NpgsqlParameter> Keys<T>(List<T> outcomes)
        where T : StepOutcome
        => [.. Ids([.. outcomes.Select(outcome => outcome.Id)]), Sql.Column(outcomes, NpgsqlDbType.Uuid, outcome => outcome.Token)];

    private static IEnumerable<NpgsqlParameter> EndColumns(List<StepEnded> ended) =>
    [
        Sql.Column(ended, NpgsqlDbType.Text, end => end.Status),
        Sql.Column(ended, NpgsqlDbType.Bytea, end => end.Output!),
        Sql.Column(ended, NpgsqlDbType.Bytea, end => end.CallEnd!),
        Sql.Column(ended, NpgsqlDbType.Uuid, end => end.CallId?.Value),
        Sql.Column(ended, NpgsqlDbType.Bigint, end => end.Failure is null ? end.Usage.Total : (long?)null),
        Sql.Column(ended, NpgsqlDbType.Integer, end => end.LatencyMs),
        Sql.Column(ended, NpgsqlDbType.Text, end => end.Failure?.Code!),
        Sql.Column(ended, NpgsqlDbType.Text, end => end.Failure?.Message!),
    ];

    private static IEnumerable<NpgsqlParameter> PutBackColumns(List<StepPutBack> putBack) =>
    [
        Sql.Column(putBack, NpgsqlDbType.Interval, outcome => outcome.Wait),
        Sql.Column(putBack, NpgsqlDbType.Boolean, outcome => outcome.Counts),
        Sql.Column(putBack, NpgsqlDbType.Text, outcome => outcome.Failure.Code),
        Sql.Column(putBack, NpgsqlDbType.Text, outcome => outcome.Failure.Message),
    ];
}
