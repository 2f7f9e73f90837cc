using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using SaasLlm.Core.Llm.Keys;

namespace SaasLlm.Core.Webhooks;

/// <summary>Registers the feature.</summary>
public static class WebhooksExtensions
{
    /// <summary>What the API offers: webhooks, their deliveries, replays.</summary>
    public static IServiceCollection AddWebhooks(this IServiceCollection services)
    {
        services.AddOptions<WebhookOptions>().BindConfiguration(WebhookOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<WebhookOptions>, WebhookOptionsValidator>());
        services.AddOptions<EncryptionOptions>().BindConfiguration(EncryptionOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        return services
            .AddSingleton<WebhookAddresses>()
            .AddSingleton<WebhookSecrets>()
            .AddSingleton<WebhookService>();
    }
}
