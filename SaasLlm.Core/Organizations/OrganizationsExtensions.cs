using Microsoft.Extensions.DependencyInjection;

namespace SaasLlm.Core.Organizations;

/// <summary>Registers the feature.</summary>
public static class OrganizationsExtensions
{
    public static IServiceCollection AddOrganizations(this IServiceCollection services) => services.AddSingleton<OrganizationService>();
}
