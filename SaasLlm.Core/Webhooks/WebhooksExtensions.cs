using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using SaasLlm.Core.Background;
using SaasLlm.Core.Llm.Keys;
using SaasLlm.Core.Webhooks.Delivery;

namespace SaasLlm.Core.Webhooks;

/// <summary>Registers the feature.</summary>
public static class WebhooksExtensions
{
    /// <summary>What the API offers: webhooks, their deliveries, replays.</summary>
    public static IServiceCollection AddWebhooks(this IServiceCollection services)
        => services.AddWebhookParts().AddSingleton<WebhookService>().AddSingleton<DeliveryLog>();

    /// <summary>For JobRunner: the outbox's relay, and the deliveries.</summary>
    public static IServiceCollection AddWebhookDelivery(this IServiceCollection services)
        => services.AddWebhookParts()
            .AddSingleton<IHostResolver, HostResolver>()
            .AddSingleton<HostLookUps>()
            .AddSingleton<WebhookConnector>()
            .AddSingleton<WebhookSender>()
            .AddSingleton<WebhookTelemetry>()
            .AddSingleton<DeliveryStore>()
            .AddSingleton<DeliveryPump>()
            .AddHostedService(provider => provider.GetRequiredService<DeliveryPump>())
            .AddBackgroundPass<RelayOutboxPass>();

    private static IServiceCollection AddWebhookParts(this IServiceCollection services)
    {
        services.AddMetrics();
        services.AddOptions<WebhookOptions>().BindConfiguration(WebhookOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<WebhookOptions>, WebhookOptionsValidator>());
        services.AddOptions<EncryptionOptions>().BindConfiguration(EncryptionOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        return services.AddSingleton<WebhookAddresses>().AddSingleton<WebhookSecrets>();
    }
}
