using System.Collections.Concurrent;

namespace SaasLlm.Benchmarks.Crash.Load;

/// <summary>A job that a client asked for, under a task id that no other request carries; perhaps more than once, under one Idempotency-Key.</summary>
/// <param name="Status">Of the last answer; 0 where an earlier attempt may have done what the last one did not.</param>
/// <param name="JobId">Null unless it was opened.</param>
internal sealed record SeenCreate(string TeamId, string Task, int Status, string? Code, Guid? JobId);

/// <summary>An end that a client asked for.</summary>
/// <param name="Status">200, a refusal, or 0.</param>
/// <param name="Ended">The job's status as answered; null unless it ended.</param>
internal sealed record SeenEnd(string TeamId, Guid JobId, int Status, string? Ended, decimal CreditsCharged);

/// <summary>A call that a client made, with a prompt that no other request carries.</summary>
/// <param name="Refusals">How often it heard that the call was not made or not saved, and repeated it.</param>
internal sealed record SeenCall(string TeamId, Guid JobId, int Status, Guid? CallId, string Prompt, int Refusals);

/// <summary>A job that is all one call, under a task id that no other request carries.</summary>
/// <param name="JobId">Null unless it was answered.</param>
internal sealed record SeenOneShot(string TeamId, string Task, int Status, string? Code, Guid? JobId, decimal CreditsCharged, string Prompt, int Refusals);

/// <summary>Credits that an operator added, for a reason that no other request carries.</summary>
internal sealed record SeenGrant(string TeamId, string Reason, decimal Credits, int Status, string? Code);

/// <summary>What the clients were told: it must be true whatever died meanwhile.</summary>
internal sealed class Witness
{
    private readonly ConcurrentQueue<SeenCreate> _creates = new();
    private readonly ConcurrentQueue<SeenEnd> _ends = new();
    private readonly ConcurrentQueue<SeenCall> _calls = new();
    private readonly ConcurrentQueue<SeenGrant> _grants = new();
    private readonly ConcurrentQueue<SeenOneShot> _oneShots = new();
    private int _answers;
    private int _lost;

    public IReadOnlyCollection<SeenCreate> Creates => _creates;

    public IReadOnlyCollection<SeenEnd> Ends => _ends;

    public IReadOnlyCollection<SeenCall> Calls => _calls;

    public IReadOnlyCollection<SeenGrant> Grants => _grants;

    public IReadOnlyCollection<SeenOneShot> OneShots => _oneShots;

    /// <summary>Answers of all kinds.</summary>
    public int Answers => _answers;

    /// <summary>Answers that never came.</summary>
    public int Lost => _lost;

    public void Saw(SeenCreate seen)
    {
        _creates.Enqueue(seen);
        Count(seen.Status);
    }

    public void Saw(SeenEnd seen)
    {
        _ends.Enqueue(seen);
        Count(seen.Status);
    }

    public void Saw(SeenCall seen)
    {
        _calls.Enqueue(seen);
        Count(seen.Status);
    }

    public void Saw(SeenGrant seen)
    {
        _grants.Enqueue(seen);
        Count(seen.Status);
    }

    public void Saw(SeenOneShot seen)
    {
        _oneShots.Enqueue(seen);
        Count(seen.Status);
    }

    private void Count(int status)
    {
        if (status == 0)
        {
            Interlocked.Increment(ref _lost);
        }
        else
        {
            Interlocked.Increment(ref _answers);
        }
    }
}
