namespace SaasLlm.LiteLlmSimulator.Faults;

/// <summary>Something that happens to the next calls which match.</summary>
/// <param name="Model">Only calls that name this model; any model when null.</param>
/// <param name="Path">Only this path; when null, any inference route.</param>
/// <param name="Alias">What happens, as after <c>mock/</c>.</param>
/// <param name="Recording">What happens: this recording is played.</param>
/// <param name="Delay">How long the call waits before.</param>
internal sealed record Fault(string Id, string? Model, string? Path, string? Alias, string? Recording, TimeSpan Delay);

/// <summary>An alias that was armed for this request and takes the place of its model's.</summary>
internal sealed record ArmedAlias(string Name);
