using SaasLlm.Core.Common;

namespace SaasLlm.Core.Credits;

/// <summary>A part of a lot: what a hold has set aside of it, or, signed, what a transaction added to it. Credits.</summary>
public readonly record struct LotShare(LotId LotId, decimal Credits);
