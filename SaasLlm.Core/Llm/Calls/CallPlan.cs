using SaasLlm.Core.Common;
using SaasLlm.Core.Llm.Requests;
using SaasLlm.Core.Pricing;

namespace SaasLlm.Core.Llm.Calls;

/// <summary>A call that may begin: checked, priced, and with its key.</summary>
/// <param name="Models">The models to try, in order, each with its price.</param>
internal sealed record CallPlan(
    LlmCall Call,
    CallId CallId,
    string GroupName,
    GroupPermissions Permissions,
    OutgoingBody Body,
    List<PricedModel> Models,
    string GatewayKey);

internal sealed record PricedModel(string Name, ModelPrice Price);
