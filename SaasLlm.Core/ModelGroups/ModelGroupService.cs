using Microsoft.EntityFrameworkCore;
using SaasLlm.Core.Changes;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Data;
using SaasLlm.Core.Idempotency;

namespace SaasLlm.Core.ModelGroups;

/// <summary>Makes, changes and reads model groups; every change is told to all replicas.</summary>
public sealed class ModelGroupService(IDbContextFactory<SaasLlmDbContext> contexts, TenantChanges changes)
{
    // How many notices of one deletion are on their way together.
    private const int NoticesAtOnce = 32;

    /// <summary>404 <c>model_group.not_found</c>.</summary>
    public static Failure NotFound { get; } = new(FailureKind.NotFound, "model_group.not_found", "There is no such model group.");

    /// <summary>The group and its models in one transaction. 409 <c>model_group.exists</c>.</summary>
    /// <param name="work">Whose repeat finds what it made.</param>
    public async Task<Result<ModelGroup>> CreateAsync(NewModelGroup group, CancellationToken cancellation, IdempotentWork? work = null)
    {
        if (work?.Recall<string>() is null && await InsertAsync(group, work, cancellation) is { } refused)
        {
            return refused;
        }

        // A replica may remember that it is not there.
        await changes.GroupChangedAsync(group.GroupName);
        return await FindAsync(group.GroupName, cancellation);
    }

    /// <summary>What is null stays as it is. 404 <c>model_group.not_found</c>.</summary>
    public async Task<Result<ModelGroup>> UpdateAsync(string groupName, ModelGroupChange change, CancellationToken cancellation)
    {
        await using (var db = await contexts.CreateDbContextAsync(cancellation))
        {
            var isDone = await db.Database.CreateExecutionStrategy().ExecuteAsync(
                (Group: groupName, Change: change), async (_, state, token) => await UpdateOnceAsync(state.Group, state.Change, token), null, cancellation);
            if (!isDone)
            {
                return NotFound;
            }
        }

        await changes.GroupChangedAsync(groupName);
        return await FindAsync(groupName, cancellation);
    }

    /// <summary>The group, its models, and every team's permission to use it. 404 <c>model_group.not_found</c>.</summary>
    public async Task<Result<Accepted>> DeleteAsync(string groupName, CancellationToken cancellation)
    {
        List<string> teams;
        await using (var db = await contexts.CreateDbContextAsync(cancellation))
        {
            teams = await db.TeamModelGroups.Where(g => g.GroupName == groupName).Select(g => g.TeamId).ToListAsync(cancellation);
            if (await db.ModelGroups.Where(g => g.GroupName == groupName).ExecuteDeleteAsync(cancellation) == 0)
            {
                return NotFound;
            }
        }

        await changes.GroupChangedAsync(groupName);
        // A group of the same name, made later, is not theirs.
        foreach (var some in teams.Chunk(NoticesAtOnce))
        {
            await Task.WhenAll(some.Select(changes.GrantsChangedAsync));
        }

        return default(Accepted);
    }

    /// <summary>404 <c>model_group.not_found</c>.</summary>
    public async Task<Result<ModelGroup>> FindAsync(string groupName, CancellationToken cancellation)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellation);
        var found = await db.ModelGroups.AsNoTracking().Include(g => g.Models)
            .SingleOrDefaultAsync(g => g.GroupName == groupName, cancellation);
        return found is not null ? found : NotFound;
    }

    /// <summary>By name.</summary>
    public async Task<Page<ModelGroup>> ListAsync(PageQuery page, string? kind, string? status, CancellationToken cancellation)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellation);
        var groups = db.ModelGroups.AsNoTracking()
            .Where(g => (kind == null || g.Kind == kind) && (status == null || g.Status == status));
        if (page.After is { } after)
        {
            groups = page.Descending
                ? groups.Where(g => string.Compare(g.GroupName, after) < 0)
                : groups.Where(g => string.Compare(g.GroupName, after) > 0);
        }

        var ordered = page.Descending ? groups.OrderByDescending(g => g.GroupName) : groups.OrderBy(g => g.GroupName);
        return Page.From(await ordered.Take(page.Limit + 1).Include(g => g.Models).ToListAsync(cancellation), page.Limit, g => g.GroupName);
    }

    private async Task<Failure?> InsertAsync(NewModelGroup group, IdempotentWork? work, CancellationToken cancellation)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellation);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellation);
        db.ModelGroups.Add(new()
        {
            GroupName = group.GroupName,
            DisplayName = group.DisplayName,
            Description = group.Description,
            Kind = group.Kind,
            Settings = group.SettingsJson,
            Models = [.. group.Models.Select(model => model.ToRow(group.GroupName))],
        });
        try
        {
            await db.SaveChangesAsync(cancellation);
        }
        catch (DbUpdateException exception) when (StoreErrors.Violates(exception, "pk_model_groups"))
        {
            return new Failure(FailureKind.Conflict, "model_group.exists", "A model group with this name exists.");
        }

        await work.KeepAsync(db, group.GroupName, cancellation);
        await transaction.CommitAsync(cancellation);
        return null;
    }

    private async Task<bool> UpdateOnceAsync(string groupName, ModelGroupChange change, CancellationToken cancellation)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellation);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellation);
        // The row's lock orders two changes of one group.
        var rows = await db.Database.ExecuteSqlAsync($"""
            UPDATE model_groups
               SET display_name = coalesce({change.DisplayName}, display_name), description = coalesce({change.Description}, description),
                   kind = coalesce({change.Kind}, kind), status = coalesce({change.Status}, status),
                   settings = coalesce({change.SettingsJson}::jsonb, settings), updated_at = now()
             WHERE group_name = {groupName}
            """, cancellation);
        if (rows == 0)
        {
            return false;
        }

        if (change.Models is { } models)
        {
            await db.ModelGroupModels.Where(m => m.GroupName == groupName).ExecuteDeleteAsync(cancellation);
            db.ModelGroupModels.AddRange(models.Select(model => model.ToRow(groupName)));
            await db.SaveChangesAsync(cancellation);
        }

        await transaction.CommitAsync(cancellation);
        return true;
    }
}

/// <summary>A group to make.</summary>
/// <param name="Kind"><c>chat</c> or <c>embedding</c>.</param>
/// <param name="SettingsJson">A JSON object.</param>
public sealed record NewModelGroup(
    string GroupName, string DisplayName, string Description, string Kind, IReadOnlyList<GroupModel> Models, string SettingsJson = "{}");

/// <summary>What of a group to change; null stays.</summary>
public sealed record ModelGroupChange(
    string? DisplayName = null,
    string? Description = null,
    string? Kind = null,
    string? Status = null,
    string? SettingsJson = null,
    IReadOnlyList<GroupModel>? Models = null);

/// <summary>A model of a group. Names at one gateway, and priorities, are unique within it; 0 is primary.</summary>
/// <param name="Gateway">A name of the configuration's <c>Gateways</c>, or null for the common one.</param>
public sealed record GroupModel(string ModelName, int Priority, bool IsActive = true, string? Gateway = null)
{
    internal ModelGroupModel ToRow(string groupName)
        => new() { GroupName = groupName, Priority = Priority, ModelName = ModelName, IsActive = IsActive, Gateway = Gateway };
}
