using System.Diagnostics.CodeAnalysis;
using SaasLlm.LiteLlmSimulator.Http;
using SaasLlm.LiteLlmSimulator.Keys;

namespace SaasLlm.LiteLlmSimulator.Teams;

/// <summary>All teams; in memory, gone with the process.</summary>
internal sealed class TeamBook(TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Team> _teams = [];

    public bool TryAdd(string id, [NotNullWhen(true)] out Team? team)
    {
        lock (_gate)
        {
            var now = time.GetUtcNow();
            team = new() { Id = id, CreatedAt = now, UpdatedAt = now };
            return _teams.TryAdd(id, team);
        }
    }

    public Team? Find(string? id)
    {
        lock (_gate)
        {
            return id is null ? null : _teams.GetValueOrDefault(id);
        }
    }

    public void Remove(string id)
    {
        lock (_gate)
        {
            _teams.Remove(id);
        }
    }

    public IReadOnlyList<Team> All()
    {
        lock (_gate)
        {
            return [.. _teams.Values];
        }
    }

    public void Clear()
    {
        lock (_gate)
        {
            _teams.Clear();
        }
    }

    /// <summary>Why a key of this team may not call, if so.</summary>
    public Answer? Refuse(string id, VirtualKey key, DateTimeOffset now) => Find(id) switch
    {
        null => Errors.Auth($"{{'error': \"Team doesn't exist in db. Team={id}. Create team via `/team/new` call.\"}}", 404),
        { Blocked: true } team when key.CachedAt is null || now >= team.BlockCountsFrom =>
            Errors.Auth($"Authentication Error, Team={id} is blocked. Update via `/team/unblock` if you're an admin."),
        _ => null,
    };
}
