using SaasLlm.Core.Common;
using SaasLlm.Core.ModelGroups;
using SaasLlm.Core.Organizations;
using SaasLlm.Core.Teams;

namespace SaasLlm.JobRunner;

/// <summary>The organization, the groups and the team that the testing guide starts with.</summary>
internal sealed class TestingGuideScene(OrganizationService organizations, ModelGroupService groups, TeamCreator teams)
{
    public const string Name = "testing-guide";

    private const string OrganizationId = "org_test_001";
    private const string TeamId = "team_test_hr";

    private static readonly NewModelGroup[] s_groups =
    [
        Group("ResumeAgent", "Resume Analysis Agent", "Resume analysis", "gpt-4-turbo", "gpt-3.5-turbo"),
        Group("ParsingAgent", "Document Parsing Agent", "Document parsing", "gpt-3.5-turbo"),
        Group("RAGAgent", "RAG Agent", "RAG operations", "gpt-4-turbo-preview"),
    ];

    /// <summary>False when something could not be written; it says what.</summary>
    public async Task<bool> WriteAsync(TextWriter output, CancellationToken cancellation)
    {
        var isWritten = await SayAsync(
            output, $"organization {OrganizationId}", await organizations.CreateAsync(new(OrganizationId, "Test Organization"), cancellation));
        foreach (var group in s_groups)
        {
            isWritten &= await SayAsync(output, $"model group {group.GroupName}", await groups.CreateAsync(group, cancellation));
        }

        var team = await teams.CreateAsync(
            new(OrganizationId, TeamId, "HR Team", [.. s_groups.Select(group => group.GroupName)], 100), cancellation);
        isWritten &= await SayAsync(output, $"team {TeamId}", team);
        if (team.TryGet(out var created, out _))
        {
            await output.WriteLineAsync($"virtual key of {TeamId}, shown once: {created.VirtualKey}");
        }

        return isWritten;
    }

    private static async Task<bool> SayAsync<T>(TextWriter output, string what, Result<T> result)
    {
        var exists = result.Failure is { Kind: FailureKind.Conflict };
        await output.WriteLineAsync($"{what}: {(result.Failure is null ? "created" : exists ? "is there" : result.Failure.Message)}");
        return result.Failure is null || exists;
    }

    private static NewModelGroup Group(string name, string display, string description, params string[] models)
        => new(name, display, description, "chat", [.. models.Select((model, priority) => new GroupModel(model, priority))]);
}
