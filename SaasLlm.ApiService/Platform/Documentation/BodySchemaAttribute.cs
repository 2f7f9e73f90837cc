using Microsoft.OpenApi;

namespace SaasLlm.ApiService.Platform.Documentation;

/// <summary>Gives a member a schema that its type does not tell.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal abstract class BodySchemaAttribute : Attribute
{
    public abstract OpenApiSchema Create();
}
