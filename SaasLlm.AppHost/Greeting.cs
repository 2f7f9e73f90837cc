using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;

namespace SaasLlm.AppHost;

/// <summary>What a developer needs next, on the console, when the API answers.</summary>
internal static class Greeting
{
    public static void Greet(
        this IDistributedApplicationBuilder builder, IResourceBuilder<ProjectResource> api, IResourceBuilder<ParameterResource> adminKey)
    {
        if (builder.ExecutionContext.IsPublishMode || builder.Configuration["greeting"] == "false")
        {
            return;
        }

        builder.Eventing.Subscribe<ResourceReadyEvent>(api.Resource, async (_, cancellation) =>
        {
            var url = api.GetEndpoint("http").Url;
            var key = await adminKey.Resource.GetValueAsync(cancellation);
            Console.WriteLine($"""

                API        {url}   documentation {url}/docs
                Admin key  {key}

                curl -s {url}/api/organizations/create -H 'X-Admin-Key: {key}' -H 'Content-Type: application/json' \
                  -d '{"{"}"organization_id":"org_demo","name":"Demo"{"}"}'

                """);
        });
    }
}
