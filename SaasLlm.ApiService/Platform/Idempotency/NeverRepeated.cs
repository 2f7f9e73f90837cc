namespace SaasLlm.ApiService.Platform.Idempotency;

/// <summary>
/// Marks a route whose work costs money each time it is done. When an attempt with an Idempotency-Key dies, its repeat is
/// 409 <c>idempotency.outcome_unknown</c>; elsewhere a repeat goes on.
/// </summary>
internal sealed class NeverRepeated
{
    public static readonly NeverRepeated Mark = new();
}
