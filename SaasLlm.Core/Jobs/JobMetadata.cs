using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Npgsql;
using SaasLlm.Core.Common;

namespace SaasLlm.Core.Jobs;

/// <summary>Changes a job's metadata: the one thing about a job that is not the ledger's.</summary>
public sealed class JobMetadata(NpgsqlDataSource database)
{
    /// <summary>Bytes of a job's metadata.</summary>
    public const int BytesMax = 16 * 1024;

    private static readonly Failure s_tooLarge =
        new(FailureKind.Invalid, "job.metadata_too_large", $"A job's metadata may not be larger than {BytesMax} bytes.");

    /// <summary>
    /// Merges <paramref name="patch"/> (RFC 7386: null removes a member) into the job's metadata under its row's lock; the answer is the whole.
    /// 404 <c>job.not_found</c>, 400 <c>job.metadata_too_large</c>.
    /// </summary>
    public async Task<Result<JsonElement>> MergeAsync(string teamId, JobId jobId, JsonElement patch, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await using var read = new NpgsqlCommand("SELECT metadata::text FROM jobs WHERE team_id = $1 AND job_id = $2 FOR UPDATE", connection, transaction);
        read.Parameters.Add(new() { Value = teamId });
        read.Parameters.Add(new() { Value = jobId.Value });
        if (await read.ExecuteScalarAsync(cancellation) is not string stored)
        {
            return JobFailures.NotFound;
        }

        var merged = Merge(JsonNode.Parse(stored), patch)!.ToJsonString();
        if (Encoding.UTF8.GetByteCount(merged) > BytesMax)
        {
            return s_tooLarge;
        }

        await using var write = new NpgsqlCommand("UPDATE jobs SET metadata = $3::jsonb WHERE team_id = $1 AND job_id = $2", connection, transaction);
        write.Parameters.Add(new() { Value = teamId });
        write.Parameters.Add(new() { Value = jobId.Value });
        write.Parameters.Add(new() { Value = merged });
        await write.ExecuteNonQueryAsync(cancellation);
        await transaction.CommitAsync(cancellation);
        return JsonElement.Parse(merged);
    }

    private static JsonNode? Merge(JsonNode? target, JsonElement patch)
    {
        if (patch.ValueKind != JsonValueKind.Object)
        {
            return JsonNode.Parse(patch.GetRawText());
        }

        var result = target as JsonObject ?? [];
        foreach (var member in patch.EnumerateObject())
        {
            if (member.Value.ValueKind == JsonValueKind.Null)
            {
                result.Remove(member.Name);
            }
            else
            {
                var known = result[member.Name];
                result.Remove(member.Name);
                result[member.Name] = Merge(known, member.Value);
            }
        }

        return result;
    }
}
