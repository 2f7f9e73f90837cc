using Microsoft.Extensions.DependencyInjection;
using SaasLlm.Core.Changes;
using SaasLlm.Core.Llm;

namespace SaasLlm.Core.Teams;

/// <summary>Registers the feature.</summary>
public static class TeamsExtensions
{
    /// <summary>Needs <see cref="ChangesExtensions.AddChanges"/> and an <see cref="ITeamGatewayKeys"/>.</summary>
    public static IServiceCollection AddTeams(this IServiceCollection services)
        => services
            .AddSingleton<TeamReader>()
            .AddSingleton<TeamCreator>()
            .AddSingleton<TeamService>()
            .AddSingleton<TeamKeyService>()
            .AddSingleton<TeamLimits>()
            .AddSingleton<ITeamKeyAuthenticator, TeamKeyAuthenticator>();
}
