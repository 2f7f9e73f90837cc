using SaasLlm.Core.Common;

namespace SaasLlm.Tests.Common;

public sealed class BoundedCacheTests
{
    private readonly BoundedCache<int, string> _cache = new(capacity: 10);

    [Fact]
    public void Keeps_the_newest_and_never_more_than_twice_its_capacity()
    {
        for (var n = 0; n < 1000; n++)
        {
            _cache.Set(n, "value", _cache.Version);
        }

        var kept = Enumerable.Range(0, 1000).Where(n => _cache.TryGet(n, out _)).ToList();
        Assert.InRange(kept.Count, 10, 20);
        Assert.Equal(Enumerable.Range(1000 - kept.Count, kept.Count), kept);
    }

    [Fact]
    public void What_was_loaded_before_a_removal_is_not_stored_after_it()
    {
        var version = _cache.Version;
        _cache.Remove(1);
        _cache.Set(1, "old", version);
        Assert.False(_cache.TryGet(1, out _));

        version = _cache.Version;
        _cache.RemoveWhere(_ => true);
        _cache.Set(1, "old", version);
        Assert.False(_cache.TryGet(1, out _));

        version = _cache.Version;
        _cache.Clear();
        _cache.Set(1, "old", version);
        Assert.False(_cache.TryGet(1, out _));
    }

    [Fact]
    public void Removes_from_both_generations()
    {
        for (var n = 0; n < 15; n++)
        {
            _cache.Set(n, n % 2 == 0 ? "even" : "odd", _cache.Version);
        }

        _cache.RemoveWhere(value => value == "even");
        Assert.Equal([1, 3, 5, 7, 9, 11, 13], Enumerable.Range(0, 15).Where(n => _cache.TryGet(n, out _)));
        _cache.Clear();
        Assert.DoesNotContain(Enumerable.Range(0, 15), n => _cache.TryGet(n, out _));
    }
}
