namespace SaasLlm.LiteLlmSimulator.Faults;

/// <summary>The armed faults, oldest first; each is used a number of times.</summary>
internal sealed class FaultBook
{
    private readonly Lock _gate = new();
    private readonly List<(Fault Fault, int Remaining)> _armed = [];
    private int _count;

    public string NewId() => $"fault-{Interlocked.Increment(ref _count)}";

    public void Arm(Fault fault, int times)
    {
        lock (_gate)
        {
            _armed.Add((fault, times));
        }
    }

    /// <summary>The oldest fault that matches, used once by this call.</summary>
    public Fault? Take(string path, string? model, bool isInference)
    {
        lock (_gate)
        {
            var index = _armed.FindIndex(entry =>
                (entry.Fault.Path is { } wanted ? wanted == path : isInference) && (entry.Fault.Model is null || entry.Fault.Model == model));
            if (index < 0)
            {
                return null;
            }

            var (fault, remaining) = _armed[index];
            if (remaining == 1)
            {
                _armed.RemoveAt(index);
            }
            else
            {
                _armed[index] = (fault, remaining - 1);
            }

            return fault;
        }
    }

    public IReadOnlyList<(Fault Fault, int Remaining)> Armed()
    {
        lock (_gate)
        {
            return [.. _armed];
        }
    }

    public void Clear()
    {
        lock (_gate)
        {
            _armed.Clear();
        }
    }
}
