using SaasLlm.Benchmarks.Stack;

namespace SaasLlm.Benchmarks.Ledger;

/// <summary>Hold and settle, in process and through HTTP, beside <c>pgbench -N</c>.</summary>
internal sealed class LedgerVerb : IVerb
{
    public string Usage => "hold+settle pairs a second, in process and through HTTP, beside pgbench -N";

    public async Task<int> RunAsync(string[] args, CancellationToken cancellation)
    {
        await using var stack = await BenchmarkStack.StartAsync(cancellation);
        Console.WriteLine($"{stack.Api} {stack.Redis} {stack.Postgres}");
        return 0;
    }
}
