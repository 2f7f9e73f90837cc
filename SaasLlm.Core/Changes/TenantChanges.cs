using SaasLlm.Core.ModelGroups;

namespace SaasLlm.Core.Changes;

/// <summary>What a service calls after it committed a change that caches must hear of. Never throws.</summary>
public sealed class TenantChanges
{
    private readonly ModelGroupResolver _resolver;
    private readonly ChangeFeed _feed;

    internal TenantChanges(ModelGroupResolver resolver, ChangeFeed feed) => (_resolver, _feed) = (resolver, feed);

    /// <summary>A team's status or keys.</summary>
    public Task TeamChangedAsync(string teamId) => _feed.PublishAsync(ChangeTopic.Team, teamId);

    /// <summary>Which groups a team may use.</summary>
    public async Task GrantsChangedAsync(string teamId)
    {
        if (!await _resolver.ForgetGrantsAsync(teamId))
        {
            _feed.OweNotice();
        }

        await _feed.PublishAsync(ChangeTopic.Team, teamId);
    }

    /// <summary>A job type.</summary>
    public Task JobTypeChangedAsync(string name) => _feed.PublishAsync(ChangeTopic.JobType, name);

    /// <summary>A model group, or its models.</summary>
    public async Task GroupChangedAsync(string groupName)
    {
        if (!await _resolver.ForgetGroupAsync(groupName))
        {
            _feed.OweNotice();
        }

        await _feed.PublishAsync(ChangeTopic.ModelGroup, groupName);
    }
}
