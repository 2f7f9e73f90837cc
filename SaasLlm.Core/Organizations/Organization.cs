namespace SaasLlm.Core.Organizations;

/// <summary>A tenant: the company whose teams buy and use credits.</summary>
public sealed class Organization
{
    /// <summary>Chosen by the caller or generated: <c>^[A-Za-z0-9_-]{1,64}$</c>.</summary>
    public required string OrganizationId { get; init; }

    public required string Name { get; set; }

    /// <summary>A JSON object.</summary>
    public string Metadata { get; set; } = "{}";

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset UpdatedAt { get; set; }
}
