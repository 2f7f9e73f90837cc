using Microsoft.Extensions.DependencyInjection;
using SaasLlm.Core.Background;
using SaasLlm.Core.Credits.Refills;

namespace SaasLlm.Core.Credits;

/// <summary>Registers what reads accounts; <c>AddLedger</c> registers what changes them.</summary>
public static class CreditsExtensions
{
    public static IServiceCollection AddCredits(this IServiceCollection services)
        => services.AddSingleton<TransactionReader>().AddSingleton<LotReader>().AddSingleton<HoldReader>().AddSingleton<RefillService>();

    /// <summary>For JobRunner; needs <c>AddCoreData</c> and <c>AddLedger</c>.</summary>
    public static IServiceCollection AddCreditPasses(this IServiceCollection services)
        => services.AddBackgroundPass<ExpireLotsPass>().AddBackgroundPass<RefillCreditsPass>();
}
