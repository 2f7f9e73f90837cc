using Microsoft.Extensions.DependencyInjection;

namespace SaasLlm.Core.Jobs;

/// <summary>Registers jobs.</summary>
public static class JobsExtensions
{
    /// <summary>
    /// Reading jobs and changing their metadata, and job types; opening and closing is the ledger's. Needs <c>AddChanges</c>.
    /// </summary>
    public static IServiceCollection AddJobs(this IServiceCollection services)
    {
        services.AddOptions<JobOptions>().BindConfiguration(JobOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        return services.AddSingleton<JobReader>().AddSingleton<JobMetadata>()
            .AddSingleton<JobTypes>().AddSingleton<JobTypeService>();
    }
}
