using System.Text.Json;

namespace Aspire.Hosting.Publishing;

/// <summary>Named by <see cref="ApplicationModel.ParameterDefault"/>; this stack does not publish.</summary>
public sealed class ManifestPublishingContext(Utf8JsonWriter writer)
{
    public Utf8JsonWriter Writer { get; } = writer;
}
