using Microsoft.Extensions.DependencyInjection;
using SaasLlm.Core.Background;

namespace SaasLlm.Core.Credits;

/// <summary>Registers what reads accounts; <c>AddLedger</c> registers what changes them.</summary>
public static class CreditsExtensions
{
    public static IServiceCollection AddCredits(this IServiceCollection services)
        => services.AddSingleton<TransactionReader>().AddSingleton<LotReader>().AddSingleton<HoldReader>();

    /// <summary>For JobRunner; needs <c>AddCoreData</c> and <c>AddLedger</c>.</summary>
    public static IServiceCollection AddCreditPasses(this IServiceCollection services) => services.AddBackgroundPass<ExpireLotsPass>();
}
