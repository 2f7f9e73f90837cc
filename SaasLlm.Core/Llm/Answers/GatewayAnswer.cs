namespace SaasLlm.Core.Llm.Answers;

/// <summary>How a try ended without an HTTP answer.</summary>
public enum TransportFault
{
    /// <summary>There was an answer.</summary>
    None,

    /// <summary>No connection to the gateway could be made: it is not there.</summary>
    NotConnected,

    /// <summary>The connection was reset or cut before the answer was whole.</summary>
    Cut,

    /// <summary>The time was over.</summary>
    TimedOut,
}

/// <summary>What came back from one try, before anybody says what it means.</summary>
/// <param name="Status">The HTTP status; 0 when there was no answer.</param>
/// <param name="Body">The body's bytes, whatever they are.</param>
/// <param name="RetryAfter">From <c>retry-after</c>, or from the provider's own by way of LiteLLM.</param>
/// <param name="CostUsd">What the gateway says that it cost; null where it says nothing.</param>
public sealed record GatewayAnswer(
    int Status, ReadOnlyMemory<byte> Body, TransportFault Fault = TransportFault.None, TimeSpan? RetryAfter = null, decimal? CostUsd = null);
