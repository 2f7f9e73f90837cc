using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits.Writing;

namespace SaasLlm.Core.Jobs.Background;

/// <summary>When a plan runs, by Postgres' clock.</summary>
internal readonly record struct PlanTimes(DateTimeOffset RunAt, DateTimeOffset Now, string State, int Total);

/// <summary>Writes plans: made, started, ended. Each method is one transaction.</summary>
internal sealed class PlanStore(BackgroundDatabase database, StepCipher cipher, StepBell bell)
{
    // Longer than the ledger needs to open a job: then a pass asks what became of it.
    private static readonly TimeSpan s_openingMax = TimeSpan.FromMinutes(1);

    /// <summary>Stores a plan that nobody runs yet; one that is there stays as it is.</summary>
    public async Task<PlanTimes> InsertAsync(string teamId, JobId jobId, JobPlan plan, Guid? retryOf, Guid? keyId, CancellationToken cancellation)
    {
        await using var connection = await database.Source.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var template = plan.Batch is { } batch ? cipher.Seal(Sealed.Template, StepId.Shared(teamId, jobId), Bytes(batch.Step.Fields)) : null;
        await using (var job = Command(connection, transaction, PlanSql.InsertJob,
            Sql.Value(teamId), Sql.Value(jobId.Value), Sql.Value(plan.Total), Sql.Value(plan.MaxParallelism), Sql.Value((short)plan.Priority),
            Sql.Value(plan.Continues ? "continue" : "fail"), Nullable(plan.RunAt?.ToUniversalTime(), NpgsqlDbType.TimestampTz),
            Nullable(template, NpgsqlDbType.Bytea), Sql.Value(s_openingMax), Nullable(retryOf, NpgsqlDbType.Uuid), Sql.Value(plan.Answered),
            Nullable(keyId, NpgsqlDbType.Uuid)))
        {
            if (await job.ExecuteNonQueryAsync(cancellation) == 1)
            {
                await using var steps = Command(connection, transaction, PlanSql.InsertSteps, [.. StepColumns(teamId, jobId, plan)]);
                await steps.ExecuteNonQueryAsync(cancellation);
            }
        }

        var times = await ReadTimesAsync(connection, transaction, teamId, jobId, cancellation);
        await transaction.CommitAsync(cancellation);
        return times;
    }

    /// <summary>Starts the plan of an open job, or sets it for its time. False: there is no such plan.</summary>
    public async Task<bool> ActivateAsync(string teamId, JobId jobId, CancellationToken cancellation)
    {
        await using var connection = await database.Source.OpenConnectionAsync(cancellation);
        await using var batch = connection.CreateBatch();
        batch.Add(PlanSql.EnsureTeam, Sql.Value(teamId));
        batch.Add(PlanSql.LockTeams, Sql.Value<string[]>([teamId]));
        batch.Add(PlanSql.Activate, Sql.Value(teamId), Sql.Value(jobId.Value));
        batch.Add(PlanSql.Promote, Sql.Value<string[]>([teamId]), Sql.Value<Guid[]>([jobId.Value]));
        await batch.ExecuteNonQueryAsync(cancellation);
        if (batch.BatchCommands[2].RecordsAffected == 1)
        {
            bell.Ring();
            return true;
        }

        // It runs already, its job has ended, or it is gone.
        await using var find = connection.CreateCommand();
        find.CommandText = PlanSql.Find;
        find.Parameters.Add(Sql.Value(teamId));
        find.Parameters.Add(Sql.Value(jobId.Value));
        return await find.ExecuteScalarAsync(cancellation) is not null;
    }

    /// <summary>Removes a plan whose job was not opened.</summary>
    public async Task ForgetAsync(string teamId, JobId jobId, CancellationToken cancellation)
    {
        await using var command = database.Source.CreateCommand(PlanSql.Forget);
        command.Parameters.Add(Sql.Value(teamId));
        command.Parameters.Add(Sql.Value(jobId.Value));
        await command.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>Ends the plan of a job that has ended: what has not run is cancelled. Nothing where there is no plan.</summary>
    public async Task EndAsync(string teamId, JobId jobId, CancellationToken cancellation)
    {
        await using var connection = await database.Source.OpenConnectionAsync(cancellation);
        await using var batch = connection.CreateBatch();
        batch.Add(PlanSql.LockTeams, Sql.Value<string[]>([teamId]));
        batch.Add(PlanSql.End, Sql.Value<string[]>([teamId]), Sql.Value<Guid[]>([jobId.Value]));
        await batch.ExecuteNonQueryAsync(cancellation);
    }

    private static async Task<PlanTimes> ReadTimesAsync(
        NpgsqlConnection connection, NpgsqlTransaction transaction, string teamId, JobId jobId, CancellationToken cancellation)
    {
        await using var command = Command(connection, transaction, PlanSql.ReadTimes, Sql.Value(teamId), Sql.Value(jobId.Value));
        await using var rows = await command.ExecuteReaderAsync(cancellation);
        await rows.ReadAsync(cancellation);
        return new(rows.GetFieldValue<DateTimeOffset>(0), rows.GetFieldValue<DateTimeOffset>(1), rows.GetString(2), rows.GetInt32(3));
    }

    private List<NpgsqlParameter> StepColumns(string teamId, JobId jobId, JobPlan plan)
    {
        var ordinals = Enumerable.Range(0, plan.Total).ToArray();
        var dependencies = plan.Batch is null ? StepOrder.DependenciesOf(plan.Steps) : null;
        var dependents = dependencies is null ? null : StepOrder.DependentsOf(dependencies);
        return
        [
            Sql.Value(teamId),
            Sql.Value(jobId.Value),
            Sql.Value(ordinals),
            Sql.Column(ordinals, NpgsqlDbType.Text, NameOf),
            Sql.Column(ordinals, NpgsqlDbType.Text, ordinal => Step(ordinal).ModelGroup),
            Sql.Column(ordinals, NpgsqlDbType.Text, ordinal => Step(ordinal).Purpose!),
            Sql.Column(ordinals, NpgsqlDbType.Bytea, ordinal => cipher.Seal(
                Sealed.Request, new(teamId, jobId, ordinal), Bytes(plan.Batch is { } batch ? batch.Inputs[ordinal] : plan.Steps[ordinal].Fields))),
            Sql.Column(ordinals, NpgsqlDbType.Text, ordinal => Numbers(dependencies, ordinal)),
            Sql.Column(ordinals, NpgsqlDbType.Text, ordinal => Numbers(dependents, ordinal)),
            Sql.Column(ordinals, NpgsqlDbType.Integer, ordinal => dependencies?[ordinal].Count(other => plan.Steps[other].Answer is null) ?? 0),
            Sql.Column(ordinals, NpgsqlDbType.Integer, ordinal => Step(ordinal).MaxTries),
            Sql.Column(ordinals, NpgsqlDbType.Bytea, ordinal => Step(ordinal).Answer is { } answer ? cipher.Seal(Sealed.Output, new(teamId, jobId, ordinal), Bytes(answer)) : null!),
            Sql.Value((short)plan.Priority),
        ];

        PlannedStep Step(int ordinal) => plan.Batch?.Step ?? plan.Steps[ordinal];

        string NameOf(int ordinal) => plan.Batch is not { } batch ? plan.Steps[ordinal].Name
            : batch.Names?[ordinal] ?? ordinal.ToString(CultureInfo.InvariantCulture);
    }

    // Lists of different lengths do not fit into one array of arrays.
    private static string Numbers(int[][]? lists, int ordinal) => lists is null ? "{}" : $"{{{string.Join(',', lists[ordinal])}}}";

    private static ReadOnlySpan<byte> Bytes(JsonElement element) => JsonMarshal.GetRawUtf8Value(element);

    private static NpgsqlParameter Nullable(object? value, NpgsqlDbType type) => new() { Value = value ?? DBNull.Value, NpgsqlDbType = type };

    private static NpgsqlCommand Command(NpgsqlConnection connection, NpgsqlTransaction transaction, string sql, params ReadOnlySpan<NpgsqlParameter> parameters)
    {
        var command = new NpgsqlCommand(sql, connection, transaction);
        foreach (var parameter in parameters)
        {
            command.Parameters.Add(parameter);
        }

        return command;
    }
}
