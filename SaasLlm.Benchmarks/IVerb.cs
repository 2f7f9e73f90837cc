namespace SaasLlm.Benchmarks;

/// <summary>One thing that this program does: the first argument names it.</summary>
internal interface IVerb
{
    /// <summary>What it takes and what it tells, in a line or a few.</summary>
    string Usage { get; }

    /// <param name="args">What follows the verb.</param>
    /// <param name="cancellation">Ends with ^C; what was started must then be stopped.</param>
    /// <returns>The exit code: 0 when everything held.</returns>
    Task<int> RunAsync(string[] args, CancellationToken cancellation);
}
