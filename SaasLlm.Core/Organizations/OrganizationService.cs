using Microsoft.EntityFrameworkCore;
using SaasLlm.Core.Common;
using SaasLlm.Core.Data;
using SaasLlm.Core.Idempotency;

namespace SaasLlm.Core.Organizations;

/// <summary>Makes, changes and reads organizations.</summary>
public sealed class OrganizationService(IDbContextFactory<SaasLlmDbContext> contexts, TimeProvider time)
{
    /// <summary>404 <c>organization.not_found</c>.</summary>
    public static Failure NotFound { get; } = new(FailureKind.NotFound, "organization.not_found", "There is no such organization.");

    /// <summary>409 <c>organization.exists</c>.</summary>
    /// <param name="work">Whose repeat finds what it made.</param>
    public async Task<Result<Organization>> CreateAsync(
        NewOrganization organization, CancellationToken cancellation, IdempotentWork? work = null)
    {
        if (work?.Recall<string>() is { } made)
        {
            return await FindAsync(made, cancellation);
        }

        await using var db = await contexts.CreateDbContextAsync(cancellation);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellation);
        var id = organization.OrganizationId ?? Names.Generate("org", time);
        var created = await db.Organizations.FromSql($"""
            INSERT INTO organizations (organization_id, name, metadata)
            VALUES ({id}, {organization.Name}, {organization.MetadataJson}::jsonb)
            ON CONFLICT DO NOTHING
            RETURNING *
            """).AsNoTracking().ToListAsync(cancellation);
        if (created is not [var one])
        {
            return new Failure(FailureKind.Conflict, "organization.exists", "An organization with this id exists.");
        }

        await work.KeepAsync(db, id, cancellation);
        await transaction.CommitAsync(cancellation);
        return one;
    }

    /// <summary>What is null stays as it is. 404 <c>organization.not_found</c>.</summary>
    public async Task<Result<Organization>> UpdateAsync(string organizationId, string? name, string? metadataJson, CancellationToken cancellation)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellation);
        var updated = await db.Organizations.FromSql($"""
            UPDATE organizations
               SET name = coalesce({name}, name), metadata = coalesce({metadataJson}::jsonb, metadata), updated_at = now()
             WHERE organization_id = {organizationId}
            RETURNING *
            """).AsNoTracking().ToListAsync(cancellation);
        return updated is [var one] ? one : NotFound;
    }

    /// <summary>404 <c>organization.not_found</c>.</summary>
    public async Task<Result<Organization>> FindAsync(string organizationId, CancellationToken cancellation)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellation);
        var found = await db.Organizations.AsNoTracking().SingleOrDefaultAsync(o => o.OrganizationId == organizationId, cancellation);
        return found is not null ? found : NotFound;
    }

    /// <summary>By id.</summary>
    /// <param name="nameContains">Keeps organizations with this in their names, whatever its case.</param>
    public async Task<Page<Organization>> ListAsync(PageQuery page, string? nameContains, CancellationToken cancellation)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellation);
        var organizations = db.Organizations.AsNoTracking();
        if (nameContains is not null)
        {
            var pattern = $"%{Escape(nameContains)}%";
            organizations = organizations.Where(o => EF.Functions.ILike(o.Name, pattern, @"\"));
        }

        if (page.After is { } after)
        {
            organizations = page.Descending
                ? organizations.Where(o => string.Compare(o.OrganizationId, after) < 0)
                : organizations.Where(o => string.Compare(o.OrganizationId, after) > 0);
        }

        var ordered = page.Descending ? organizations.OrderByDescending(o => o.OrganizationId) : organizations.OrderBy(o => o.OrganizationId);
        return Page.From(await ordered.Take(page.Limit + 1).ToListAsync(cancellation), page.Limit, o => o.OrganizationId);
    }

    // What LIKE would take for a wildcard is meant as itself.
    private static string Escape(string text)
        => text.Replace(@"\", @"\\", StringComparison.Ordinal).Replace("%", @"\%", StringComparison.Ordinal).Replace("_", @"\_", StringComparison.Ordinal);
}

/// <summary>An organization to make.</summary>
/// <param name="OrganizationId">Null: generated.</param>
/// <param name="MetadataJson">A JSON object.</param>
public sealed record NewOrganization(string? OrganizationId, string Name, string MetadataJson = "{}");
