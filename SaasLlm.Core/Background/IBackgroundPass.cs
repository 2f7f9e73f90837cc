namespace SaasLlm.Core.Background;

/// <summary>
/// One bounded piece of background work, which every runner does in a loop of its own: what it works on is claimed row by row, or decided by
/// the ledger, so that runners do not get in each other's way. Work that must be done once a tick is an <see cref="IScheduledPass"/>.
/// Register with <see cref="BackgroundExtensions.AddBackgroundPass{TPass}"/>; tests call it directly.
/// </summary>
public interface IBackgroundPass
{
    /// <summary>The name by which operators know it, for ever: <c>ExpireJobsPass</c> is <c>expire-jobs</c>.</summary>
    string Name => TaskName.Of(GetType());

    /// <summary>How long to rest after a pass that left nothing to do.</summary>
    TimeSpan Interval { get; }

    /// <summary>Does at most one batch. True: the batch was full, so go again at once.</summary>
    /// <exception cref="PassFailedException">It could not do its work, for a reason that needs no stack trace.</exception>
    Task<bool> RunAsync(CancellationToken cancellation);

    /// <summary>An operator asked for a run: called before <see cref="RunAsync"/>, which then does what it would otherwise find not due.</summary>
    Task PrepareRequestedAsync(CancellationToken cancellation) => Task.CompletedTask;
}

/// <summary>
/// Work that one runner does each tick, whichever claims it; <see cref="IBackgroundPass.Interval"/> is from the end of a run to the next tick.
/// A run whose runner dies is done again, from its beginning.
/// </summary>
public interface IScheduledPass : IBackgroundPass;

/// <summary>A pass could not do its work; its message is shown to operators.</summary>
public sealed class PassFailedException(string message) : Exception(message);
