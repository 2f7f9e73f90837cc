using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace SaasLlm.Core.Common;

/// <summary>
/// A memory cache of bounded size that a slow load cannot poison: what was read before a removal is not stored after it.
/// Reads take no lock. Two generations: when the young one is full it becomes the old one, and the old one is forgotten.
/// </summary>
public sealed class BoundedCache<TKey, TValue>(int capacity)
    where TKey : notnull
{
    private readonly Lock _gate = new();
    private volatile ConcurrentDictionary<TKey, TValue> _young = new();
    private volatile ConcurrentDictionary<TKey, TValue> _old = new();
    private long _version;
    private int _youngCount;

    /// <summary>Grows with every removal. Read it before a load, and give it to <see cref="Set"/>.</summary>
    public long Version => Volatile.Read(ref _version);

    public bool TryGet(TKey key, [MaybeNullWhen(false)] out TValue value)
        => _young.TryGetValue(key, out value) || _old.TryGetValue(key, out value);

    /// <summary>Stores a value that was loaded at <paramref name="version"/>; ignored when something was removed since.</summary>
    public void Set(TKey key, TValue value, long version)
    {
        lock (_gate)
        {
            if (version != _version)
            {
                return;
            }

            if (!_young.ContainsKey(key) && ++_youngCount > capacity)
            {
                _old = _young;
                _young = new();
                _youngCount = 1;
            }

            _young[key] = value;
        }
    }

    public void Remove(TKey key)
    {
        lock (_gate)
        {
            _version++;
            _old.TryRemove(key, out _);
            if (_young.TryRemove(key, out _))
            {
                _youngCount--;
            }
        }
    }

    public void RemoveWhere(Func<TValue, bool> predicate)
    {
        lock (_gate)
        {
            _version++;
            foreach (var (key, value) in _old)
            {
                if (predicate(value))
                {
                    _old.TryRemove(key, out _);
                }
            }

            foreach (var (key, value) in _young)
            {
                if (predicate(value) && _young.TryRemove(key, out _))
                {
                    _youngCount--;
                }
            }
        }
    }

    public void Clear()
    {
        lock (_gate)
        {
            _version++;
            _old = new();
            _young = new();
            _youngCount = 0;
        }
    }
}
