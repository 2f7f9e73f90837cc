using System.Security.Cryptography;
using SaasLlm.LiteLlmSimulator.Http;

namespace SaasLlm.LiteLlmSimulator.Keys;

/// <summary>All virtual keys, deleted ones too; in memory, gone with the process.</summary>
internal sealed class KeyRing(TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, VirtualKey> _keys = [];

    // Not counted like other ids: after a restart an old key must not open a new tenant's door.
    public static string NewValue() => "sk-" + Convert.ToBase64String(RandomNumberGenerator.GetBytes(16)).TrimEnd('=').Replace('+', '-').Replace('/', '_');

    /// <summary>Adds a key; with a value that exists already the old row stays, as at LiteLLM.</summary>
    public VirtualKey Add(string value)
    {
        lock (_gate)
        {
            var hash = Ids.Hash(value);
            if (_keys.TryGetValue(hash, out var old) && old.DeletedAt is null)
            {
                return old;
            }

            var now = time.GetUtcNow();
            return _keys[hash] = new() { Hash = hash, Name = NameOf(value), CreatedAt = now, UpdatedAt = now };
        }
    }

    /// <summary>The key with this value, hash or, where there is none, nothing; deleted keys are found too.</summary>
    public VirtualKey? Find(string? valueOrHash)
    {
        lock (_gate)
        {
            return valueOrHash is null ? null
                : _keys.GetValueOrDefault(valueOrHash) ?? _keys.GetValueOrDefault(Ids.Hash(valueOrHash));
        }
    }

    public VirtualKey? FindLive(string? valueOrHash) => Find(valueOrHash) is { DeletedAt: null } key ? key : null;

    public VirtualKey? FindByAlias(string? alias) => alias is null ? null : Live().FirstOrDefault(key => key.Alias == alias);

    /// <summary>Newest first.</summary>
    public IReadOnlyList<VirtualKey> Live()
    {
        lock (_gate)
        {
            return [.. _keys.Values.Where(key => key.DeletedAt is null).Reverse()];
        }
    }

    public void Delete(VirtualKey key) => key.DeletedAt = time.GetUtcNow();

    public void Clear()
    {
        lock (_gate)
        {
            _keys.Clear();
        }
    }

    public static string NameOf(string value) => "sk-..." + (value.Length < 4 ? value : value[^4..]);
}
