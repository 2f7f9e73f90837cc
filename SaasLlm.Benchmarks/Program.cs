using System.Runtime.InteropServices;
using SaasLlm.Benchmarks;
using SaasLlm.Benchmarks.Crash;
using SaasLlm.Benchmarks.Gateway;
using SaasLlm.Benchmarks.Gateway.Servers;
using SaasLlm.Benchmarks.Jobs;
using SaasLlm.Benchmarks.Ledger;
using SaasLlm.Benchmarks.Scale;

var verbs = new Dictionary<string, Func<IVerb>>
{
    ["ledger"] = () => new LedgerVerb(),
    ["scale"] = () => new ScaleVerb(),
    ["crash"] = () => new CrashVerb(),
    ["jobs"] = () => new JobsVerb(),
    ["gateway"] = () => new GatewayVerb(),
    ["upstream"] = () => new UpstreamVerb(),
    ["pass-through"] = () => new PassThroughVerb(),
};

if (args.Length == 0 || !verbs.TryGetValue(args[0], out var verb) || args.Contains("--help"))
{
    foreach (var (name, make) in verbs)
    {
        await Console.Error.WriteLineAsync($"{name,-12} {make().Usage}");
    }

    return 2;
}

using var stopping = new CancellationTokenSource();
Console.CancelKeyPress += (_, pressed) =>
{
    pressed.Cancel = true;
    stopping.Cancel();
};

// As ^C: without it the stack would end, and the verb go on without one.
using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal =>
{
    signal.Cancel = true;
    stopping.Cancel();
});

try
{
    return await verb().RunAsync(args[1..], stopping.Token);
}
catch (ArgumentException wrong)
{
    await Console.Error.WriteLineAsync(wrong.Message);
    return 2;
}
catch (OperationCanceledException) when (stopping.IsCancellationRequested)
{
    return 130;
}
