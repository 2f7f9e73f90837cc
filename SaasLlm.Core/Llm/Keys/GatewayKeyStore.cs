using Npgsql;

namespace SaasLlm.Core.Llm.Keys;

/// <summary>The rows of <c>team_gateway_keys</c>: claimed with a lease, finished with its token as the fence.</summary>
public sealed class GatewayKeyStore(NpgsqlDataSource database)
{
    /// <summary>The stored bytes, or null while pending.</summary>
    public async Task<byte[]?> FindAsync(string teamId, CancellationToken cancellation)
    {
        await using var command = database.CreateCommand("SELECT encrypted_key FROM team_gateway_keys WHERE team_id = $1 AND state = 'ready'");
        command.Parameters.Add(new() { Value = teamId });
        return await command.ExecuteScalarAsync(cancellation) as byte[];
    }

    /// <summary>The stored bytes of the teams that are there; null while pending.</summary>
    public async Task<IReadOnlyDictionary<string, byte[]?>> FindManyAsync(string[] teamIds, CancellationToken cancellation)
    {
        await using var command = database.CreateCommand("""
            SELECT t.team_id, CASE k.state WHEN 'ready' THEN k.encrypted_key END
              FROM teams t LEFT JOIN team_gateway_keys k ON k.team_id = t.team_id WHERE t.team_id = ANY ($1)
            """);
        command.Parameters.Add(new() { Value = teamIds });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var found = new Dictionary<string, byte[]?>(StringComparer.Ordinal);
        while (await reader.ReadAsync(cancellation))
        {
            found[reader.GetString(0)] = reader.IsDBNull(1) ? null : reader.GetFieldValue<byte[]>(1);
        }

        return found;
    }

    /// <summary>Claims one team's pending row.</summary>
    public async Task<bool> ClaimAsync(string teamId, Guid lease, TimeSpan duration, CancellationToken cancellation)
    {
        await using var command = database.CreateCommand("""
            UPDATE team_gateway_keys SET lease_token = $2, lease_until = now() + $3, attempts = attempts + 1, updated_at = now()
             WHERE team_id = $1 AND state = 'pending' AND (lease_until IS NULL OR lease_until <= now())
            """);
        command.Parameters.Add(new() { Value = teamId });
        command.Parameters.Add(new() { Value = lease });
        command.Parameters.Add(new() { Value = duration });
        return await command.ExecuteNonQueryAsync(cancellation) == 1;
    }

    /// <summary>Claims pending rows that are due, oldest first.</summary>
    public async Task<IReadOnlyList<string>> ClaimDueAsync(int limit, Guid lease, TimeSpan duration, CancellationToken cancellation)
    {
        await using var command = database.CreateCommand("""
            WITH due AS (
              SELECT team_id FROM team_gateway_keys
               WHERE state = 'pending' AND next_attempt_at <= now() AND (lease_until IS NULL OR lease_until <= now())
               ORDER BY next_attempt_at
               LIMIT $1
                 FOR UPDATE SKIP LOCKED)
            UPDATE team_gateway_keys keys SET lease_token = $2, lease_until = now() + $3, attempts = attempts + 1, updated_at = now()
              FROM due WHERE keys.team_id = due.team_id
            RETURNING keys.team_id
            """);
        command.Parameters.Add(new() { Value = limit });
        command.Parameters.Add(new() { Value = lease });
        command.Parameters.Add(new() { Value = duration });
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var teams = new List<string>();
        while (await reader.ReadAsync(cancellation))
        {
            teams.Add(reader.GetString(0));
        }

        return teams;
    }

    /// <summary>Stores the minted key; false when the lease was lost meanwhile.</summary>
    public async Task<bool> StoreAsync(string teamId, Guid lease, byte[] encrypted, CancellationToken cancellation)
    {
        await using var command = database.CreateCommand("""
            UPDATE team_gateway_keys
               SET state = 'ready', encrypted_key = $3, lease_token = NULL, lease_until = NULL, last_error = NULL, updated_at = now()
             WHERE team_id = $1 AND state = 'pending' AND lease_token = $2
            """);
        command.Parameters.Add(new() { Value = teamId });
        command.Parameters.Add(new() { Value = lease });
        command.Parameters.Add(new() { Value = encrypted });
        return await command.ExecuteNonQueryAsync(cancellation) == 1;
    }

    /// <summary>Gives a claimed row back after a failure; it is due again after 1 s, 2 s, 4 s, … up to 5 minutes.</summary>
    public async Task ReleaseAsync(string teamId, Guid lease, string? error, CancellationToken cancellation)
    {
        await using var command = database.CreateCommand("""
            UPDATE team_gateway_keys
               SET lease_token = NULL, lease_until = NULL, last_error = $3, updated_at = now(),
                   next_attempt_at = now() + least(interval '5 minutes', interval '1 second' * power(2, least(attempts - 1, 12)))
             WHERE team_id = $1 AND state = 'pending' AND lease_token = $2
            """);
        command.Parameters.Add(new() { Value = teamId });
        command.Parameters.Add(new() { Value = lease });
        command.Parameters.Add(new() { Value = (object?)error ?? DBNull.Value });
        await command.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>Makes the row pending again, if it still holds <paramref name="stored"/>.</summary>
    public async Task ForgetAsync(string teamId, byte[] stored, CancellationToken cancellation)
    {
        await using var command = database.CreateCommand("""
            UPDATE team_gateway_keys SET state = 'pending', encrypted_key = NULL, attempts = 0, next_attempt_at = now(), updated_at = now()
             WHERE team_id = $1 AND state = 'ready' AND encrypted_key = $2
            """);
        command.Parameters.Add(new() { Value = teamId });
        command.Parameters.Add(new() { Value = stored });
        await command.ExecuteNonQueryAsync(cancellation);
    }
}
