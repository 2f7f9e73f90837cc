using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using SaasLlm.Core.Changes;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Data;
using SaasLlm.Core.Idempotency;
using SaasLlm.Core.Llm;
using SaasLlm.Core.Organizations;
using SaasLlm.Core.Webhooks;

namespace SaasLlm.Core.Teams;

/// <summary>Makes teams.</summary>
public sealed partial class TeamCreator(
    IDbContextFactory<SaasLlmDbContext> contexts,
    TeamReader reader,
    TenantChanges changes,
    ITeamGatewayKeys gatewayKeys,
    TimeProvider time,
    ILogger<TeamCreator> logger)
{
    private static readonly TimeSpan s_provisioningMax = TimeSpan.FromSeconds(3);

    /// <summary>
    /// The team, its account with the first allocation, its grants, its first key and the order for its gateway key, in one transaction.
    /// Then the gateway key is fetched as far as that goes quickly; where it does not, JobRunner does it later.
    /// 409 <c>team.exists</c>, 404 <c>organization.not_found</c>, 404 <c>model_group.not_found</c> naming those that are not there.
    /// </summary>
    /// <param name="work">Whose repeat finds what it made, the key included.</param>
    public async Task<Result<CreatedTeam>> CreateAsync(NewTeam team, CancellationToken cancellation, IdempotentWork? work = null)
    {
        var made = work?.Recall<MadeTeam>();
        if (made is null)
        {
            var key = NewKey.Make(time);
            made = new(team.TeamId ?? Names.Generate("team", time), key.KeyId, key.Plain);
            await using var db = await contexts.CreateDbContextAsync(cancellation);
            var failure = await db.Database.CreateExecutionStrategy().ExecuteAsync(
                (Made: made, Team: team, Key: key, Work: work),
                async (_, state, token) => await CreateOnceAsync(state.Made, state.Team, state.Key, state.Work, token), null, cancellation);
            if (failure is not null)
            {
                return failure;
            }
        }

        // A replica may remember that the team has no groups.
        await changes.GrantsChangedAsync(made.TeamId);
        await TryProvisionAsync(made.TeamId);
        var created = await reader.FindAsync(made.TeamId, cancellation);
        return created.Map(details => new CreatedTeam(details, made.KeyId, made.VirtualKey));
    }

    private async Task<Failure?> CreateOnceAsync(MadeTeam made, NewTeam team, NewKey key, IdempotentWork? work, CancellationToken cancellation)
    {
        var teamId = made.TeamId;
        await using var db = await contexts.CreateDbContextAsync(cancellation);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellation);
        if (await InsertTeamAsync(db, teamId, team, cancellation) is { } refused)
        {
            // A retry after a lost reply to COMMIT finds what it committed.
            var isOurs = await db.TeamKeys.AnyAsync(k => k.TeamId == teamId && k.KeyId == key.KeyId, cancellation);
            return isOurs ? null : refused;
        }

        if (await TeamGrants.GrantAsync(db, teamId, [.. team.ModelGroups], cancellation) is { } unknownGroup)
        {
            return unknownGroup;
        }

        await InsertAccountAsync(db, teamId, team.CreditsAllocated, cancellation);
        await db.RefreshJobEventsAsync(teamId, cancellation);
        await db.Database.ExecuteSqlAsync($"""
            INSERT INTO team_keys (team_id, key_id, key_hash, key_prefix, name)
            VALUES ({teamId}, {key.KeyId}, {key.Hash}, {key.Prefix}, 'default')
            """, cancellation);
        await db.Database.ExecuteSqlAsync($"INSERT INTO team_gateway_keys (team_id) VALUES ({teamId})", cancellation);
        await work.KeepAsync(db, made, cancellation);
        await transaction.CommitAsync(cancellation);
        return null;
    }

    private static async Task<Failure?> InsertTeamAsync(SaasLlmDbContext db, string teamId, NewTeam team, CancellationToken cancellation)
    {
        // The share lock is what the foreign key takes anyway; asking first gives the answer a name.
        var organizations = await db.Database.SqlQuery<string>(
            $"SELECT organization_id AS \"Value\" FROM organizations WHERE organization_id = {team.OrganizationId} FOR KEY SHARE")
            .ToListAsync(cancellation);
        if (organizations.Count == 0)
        {
            return OrganizationService.NotFound;
        }

        var rows = await db.Database.ExecuteSqlAsync($"""
            INSERT INTO teams (team_id, organization_id, team_alias, metadata, requests_per_minute, tokens_per_minute, parallel_calls)
            VALUES ({teamId}, {team.OrganizationId}, {team.TeamAlias}, {team.MetadataJson}::jsonb,
                    {team.Limits.RequestsPerMinute}, {team.Limits.TokensPerMinute}, {team.Limits.ParallelCalls})
            ON CONFLICT DO NOTHING
            """, cancellation);
        return rows == 1 ? null : new Failure(FailureKind.Conflict, "team.exists", "A team with this id exists.");
    }

    private async Task InsertAccountAsync(SaasLlmDbContext db, string teamId, decimal credits, CancellationToken cancellation)
    {
        var hasAllocation = credits > 0;
        var sequence = hasAllocation ? 1L : 0L;
        await db.Database.ExecuteSqlAsync($"""
            INSERT INTO team_credits (team_id, allocated, version, last_sequence) VALUES ({teamId}, {credits}, 1, {sequence})
            """, cancellation);
        if (hasAllocation)
        {
            // As AddCreditsRule would: the lot bears the id of the transaction that grants it.
            var id = TransactionId.New(time).Value;
            await db.Database.ExecuteSqlAsync($"""
                INSERT INTO credit_lots (team_id, lot_id, source, reference, granted, remaining, created_at)
                VALUES ({teamId}, {id}, {LotSource.Allocation}, {id.ToString()}, {credits}, {credits}, ledger_now());
                INSERT INTO credit_transactions (team_id, sequence, transaction_id, kind, amount, credits_before, credits_after, reason,
                                                 lot_ids, lot_amounts, created_at)
                VALUES ({teamId}, 1, {id}, 'allocation', {credits}, 0, {credits}, 'Initial allocation', ARRAY[{id}], ARRAY[{credits}], ledger_now())
                """, cancellation);
        }
    }

    // The caller may leave, the team stays: so the caller's cancellation is not used.
    private async Task TryProvisionAsync(string teamId)
    {
        using var limit = new CancellationTokenSource(s_provisioningMax, time);
        try
        {
            if (await gatewayKeys.ProvisionAsync(teamId, limit.Token).WaitAsync(limit.Token))
            {
                return;
            }
        }
        catch (Exception exception)
        {
            // Whatever it was: the team is there, and its creator must be told so.
            LogProvisioningFailed(exception, teamId);
        }

        LogProvisionedLater(teamId);
    }

    [LoggerMessage(2101, LogLevel.Warning, "The gateway key of team {TeamId} was not provisioned")]
    private partial void LogProvisioningFailed(Exception exception, string teamId);

    [LoggerMessage(2102, LogLevel.Information, "The gateway key of team {TeamId} will be provisioned in the background")]
    private partial void LogProvisionedLater(string teamId);
}

/// <summary>What the creation of a team leaves for its repeat.</summary>
internal sealed record MadeTeam(string TeamId, Guid KeyId, string VirtualKey)
{
    // A record prints its members; a key must not get into a log.
    public override string ToString() => TeamId;
}

/// <summary>A team to make.</summary>
/// <param name="TeamId">Null: generated.</param>
/// <param name="ModelGroups">Names, each once.</param>
/// <param name="CreditsAllocated">0 or more, six places.</param>
/// <param name="MetadataJson">A JSON object.</param>
public sealed record NewTeam(
    string OrganizationId,
    string? TeamId,
    string TeamAlias,
    IReadOnlyList<string> ModelGroups,
    decimal CreditsAllocated,
    string MetadataJson = "{}",
    RateLimits Limits = default);

/// <summary>A team that was made.</summary>
/// <param name="VirtualKey">Its first key in plain text: to be shown now, never again.</param>
public sealed record CreatedTeam(TeamDetails Details, Guid KeyId, string VirtualKey)
{
    // A record prints its members; a key must not get into a log.
    public override string ToString() => Details.Team.TeamId;
}
