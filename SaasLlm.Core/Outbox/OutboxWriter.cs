using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using SaasLlm.Core.Common;
using SaasLlm.Core.Data;

namespace SaasLlm.Core.Outbox;

/// <summary>Raises the events of what is not the ledger's.</summary>
internal static class OutboxWriter
{
    private static readonly JsonSerializerOptions s_json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <summary>In the transaction that <paramref name="db"/> is in: the fact and its message commit together.</summary>
    public static Task RaiseAsync<T>(
        this SaasLlmDbContext db, TimeProvider time, string teamId, string topic, string dedupeKey, T payload, CancellationToken cancellation)
        => db.Database.ExecuteSqlAsync($"""
            INSERT INTO outbox (message_id, team_id, topic, dedupe_key, payload, occurred_at)
            VALUES ({Uuid7.New(time)}, {teamId}, {topic}, {dedupeKey}, {JsonSerializer.Serialize(payload, s_json)}::jsonb, ledger_now())
            """, cancellation);
}
