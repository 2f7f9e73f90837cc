namespace SaasLlm.Benchmarks.Scale;

/// <summary>The same work on small and on large tables.</summary>
internal sealed class ScaleVerb : IVerb
{
    public string Usage => "the ledger's latency at 10 k and at 10 M transactions and calls";

    public Task<int> RunAsync(string[] args, CancellationToken cancellation) => Task.FromResult(0);
}
