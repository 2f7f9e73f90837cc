using Microsoft.Extensions.DependencyInjection;

namespace SaasLlm.Core.Credits;

/// <summary>Registers what reads accounts; <c>AddLedger</c> registers what changes them.</summary>
public static class CreditsExtensions
{
    public static IServiceCollection AddCredits(this IServiceCollection services) => services.AddSingleton<TransactionReader>();
}
