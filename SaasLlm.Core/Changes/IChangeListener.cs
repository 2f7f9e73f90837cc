namespace SaasLlm.Core.Changes;

/// <summary>A cache that hears what changed. <see cref="Changed"/> and <see cref="ForgetAll"/> neither wait nor throw.</summary>
public interface IChangeListener
{
    /// <summary>Something of <paramref name="key"/> changed.</summary>
    void Changed(ChangeTopic topic, string key);

    /// <summary>Notices may have been missed: forget everything.</summary>
    void ForgetAll();

    /// <summary>Redis is back after a notice or a removal did not reach it: remove there what is out of date. False: not yet.</summary>
    ValueTask<bool> MendAsync() => new(true);
}

/// <summary>What a change notice is about.</summary>
public enum ChangeTopic
{
    /// <summary>A team: its status, keys or granted groups. The key is its id.</summary>
    Team,

    /// <summary>A model group. The key is its name.</summary>
    ModelGroup,

    /// <summary>A job type. The key is its name.</summary>
    JobType,

    /// <summary>The price book has a new version. The key is its source.</summary>
    Prices,
}
