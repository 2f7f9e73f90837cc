using Microsoft.Extensions.DependencyInjection;
using SaasLlm.Core.Background;
using SaasLlm.Core.Data;

namespace SaasLlm.Core.Jobs;

/// <summary>Registers the passes that keep jobs, attempts and partitions in order.</summary>
public static class JobPassesExtensions
{
    /// <summary>For JobRunner; needs <c>AddCoreData</c> and <c>AddLedger</c>.</summary>
    public static IServiceCollection AddJobPasses(this IServiceCollection services)
    {
        services.AddOptions<JobOptions>().BindConfiguration(JobOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        return services
            .AddBackgroundPass<ExpireJobsPass>()
            .AddBackgroundPass<AbandonedAttemptsPass>()
            .AddBackgroundPass<PartitionsPass>();
    }
}
