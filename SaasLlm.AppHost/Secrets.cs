using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Publishing;

namespace SaasLlm.AppHost;

/// <summary>Secret parameters: generated once in development, asked for when published.</summary>
internal static class Secrets
{
    private const int Length = 40;

    public static IResourceBuilder<ParameterResource> AddSecret(this IDistributedApplicationBuilder builder, string name, string prefix = "")
        => builder.ExecutionContext.IsPublishMode
            ? builder.AddParameter(name, secret: true)
            : builder.AddParameter(name, new PrefixedDefault(prefix), secret: true, persist: true);

    /// <summary>LiteLLM wants its master key to begin with <c>sk-</c>, whoever makes it.</summary>
    private sealed class PrefixedDefault(string prefix) : ParameterDefault
    {
        public override string GetDefaultValue()
            => prefix + new GenerateParameterDefault { MinLength = Length, Special = false }.GetDefaultValue();

        public override void WriteToManifest(ManifestPublishingContext context)
            => throw new NotSupportedException("A published secret is asked for, never generated here.");
    }
}
