namespace SaasLlm.Core.Background;

/// <summary>
/// One bounded piece of background work. JobRunner runs every registered pass in a loop of its own; tests call it directly.
/// Register with <see cref="BackgroundExtensions.AddBackgroundPass{TPass}"/>.
/// </summary>
public interface IBackgroundPass
{
    /// <summary>How long to rest after a pass that left nothing to do.</summary>
    TimeSpan Interval { get; }

    /// <summary>Does at most one batch. True: the batch was full, so go again at once.</summary>
    Task<bool> RunAsync(CancellationToken cancellation);
}
