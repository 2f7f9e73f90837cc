namespace SaasLlm.Core.Credits.Reconciliation;

/// <summary>Two records of the same money that do not agree.</summary>
/// <param name="Kind">One of <see cref="DifferenceKind"/>.</param>
/// <param name="Subject">What of the team differs: a sequence, a lot, a job; empty for the account itself.</param>
/// <param name="Expected">What the other record says.</param>
/// <param name="Found">What this one says.</param>
public sealed record Difference(string TeamId, string Kind, string Subject, decimal Expected, decimal Found);
