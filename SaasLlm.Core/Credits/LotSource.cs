namespace SaasLlm.Core.Credits;

/// <summary>Where credits come from, as stored and as written in JSON.</summary>
public static class LotSource
{
    public const string Allocation = "allocation";
    public const string Purchase = "purchase";
    public const string Promotion = "promotion";
    public const string Subscription = "subscription";
    public const string Adjustment = "adjustment";
    public const string Refill = "refill";

    /// <summary>The priority of a lot that names none; 0 burns first, 100 last.</summary>
    public const int DefaultPriority = 50;

    public static IReadOnlyList<string> All { get; } = [Allocation, Purchase, Promotion, Subscription, Adjustment, Refill];

    /// <summary>The kind of the transaction that grants a lot of that source.</summary>
    public static string TransactionKind(string source) => source == Purchase ? "topup" : source;
}
