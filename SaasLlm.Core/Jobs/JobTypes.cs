using System.Collections.Frozen;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using SaasLlm.Core.Changes;
using SaasLlm.Core.Data;

namespace SaasLlm.Core.Jobs;

/// <summary>What a job that opens gets by its type.</summary>
/// <param name="Price">Credits, in <c>job_based</c> teams; null is the team's own price.</param>
/// <param name="MaxCostUsd">The most its calls may cost the client together; null is no limit.</param>
public sealed record JobTerms(decimal? Price, TimeSpan Lifetime, int MaxCalls, decimal? MaxCostUsd);

/// <summary>
/// Says what a job gets by its type, from memory; a change reaches every replica within a second. All types are read together: the operator
/// makes them, so they are few, and a name that nobody made is never looked up.
/// </summary>
public sealed class JobTypes : IChangeListener
{
    private static readonly TimeSpan s_lifetime = TimeSpan.FromSeconds(10);

    private readonly IDbContextFactory<SaasLlmDbContext> _contexts;
    private readonly ChangeFeed _changes;
    private readonly TimeProvider _time;
    private readonly JobTerms _forAll;
    private readonly Lock _gate = new();
    private Task<FrozenDictionary<string, JobTerms>>? _read;
    private long _readAt;

    public JobTypes(IDbContextFactory<SaasLlmDbContext> contexts, ChangeFeed changes, IOptions<JobOptions> options, TimeProvider time)
    {
        (_contexts, _changes, _time) = (contexts, changes, time);
        _forAll = new(null, options.Value.Lifetime, options.Value.MaxCalls, null);
        changes.Register(this);
    }

    /// <summary>A type that nobody made gets what all get.</summary>
    /// <exception cref="Npgsql.NpgsqlException">Postgres did not answer.</exception>
    public async ValueTask<JobTerms> TermsOfAsync(string jobType, CancellationToken cancellation)
        => (await AllAsync().WaitAsync(cancellation)).GetValueOrDefault(jobType) ?? _forAll;

    public void Changed(ChangeTopic topic, string key)
    {
        if (topic == ChangeTopic.JobType)
        {
            ForgetAll();
        }
    }

    public void ForgetAll()
    {
        lock (_gate)
        {
            _read = null;
        }
    }

    // Callers share a read; one that began before a change is forgotten with it.
    private Task<FrozenDictionary<string, JobTerms>> AllAsync()
    {
        lock (_gate)
        {
            if (_read is null or { IsFaulted: true } || !_changes.IsFresh(_readAt, s_lifetime))
            {
                _readAt = _time.GetTimestamp();
                _read = ReadAsync();
            }

            return _read;
        }
    }

    private async Task<FrozenDictionary<string, JobTerms>> ReadAsync()
    {
        await using var db = await _contexts.CreateDbContextAsync();
        var types = await db.JobTypes.AsNoTracking().ToListAsync();
        return types.ToFrozenDictionary(type => type.Name, TermsOf, StringComparer.Ordinal);
    }

    private JobTerms TermsOf(JobType type) => new(
        type.Price,
        type.LifetimeSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : _forAll.Lifetime,
        type.MaxCalls ?? _forAll.MaxCalls,
        type.MaxCostUsd);
}
