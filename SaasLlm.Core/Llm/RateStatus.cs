namespace SaasLlm.Core.Llm;

/// <summary>Where the limits of a call stand, once it was admitted or refused: of all levels the tightest. Null is no limit.</summary>
public sealed record RateStatus(RateRoom? Requests, RateRoom? Tokens);

/// <summary>What is left of a limit.</summary>
/// <param name="ResetIn">Until it stands where it began, if nothing is called meanwhile.</param>
public sealed record RateRoom(long Limit, long Remaining, TimeSpan ResetIn);
