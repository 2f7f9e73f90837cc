namespace SaasLlm.Core.Jobs.Background;

/// <summary>The order that steps' dependencies make. Names are those of steps, each once.</summary>
internal static class StepOrder
{
    /// <summary>Ordinals of the steps that each one waits for.</summary>
    public static int[][] DependenciesOf(IReadOnlyList<PlannedStep> steps)
    {
        var ordinals = steps.Select((step, index) => (step.Name, index)).ToDictionary(item => item.Name, item => item.index, StringComparer.Ordinal);
        return [.. steps.Select(step => step.DependsOn.Select(name => ordinals[name]).Order().ToArray())];
    }

    /// <summary>Ordinals of the steps that wait for each one.</summary>
    public static int[][] DependentsOf(int[][] dependencies)
        => [.. Enumerable.Range(0, dependencies.Length).Select(ordinal
            => Enumerable.Range(0, dependencies.Length).Where(other => dependencies[other].Contains(ordinal)).ToArray())];

    /// <summary>A step that can never start because it waits for itself; null when all can.</summary>
    public static int? FirstOfCycle(IReadOnlyList<PlannedStep> steps)
    {
        var dependencies = DependenciesOf(steps);
        var started = new HashSet<int>();
        while (Enumerable.Range(0, steps.Count).Where(index => !started.Contains(index) && dependencies[index].All(started.Contains)).ToList() is { Count: > 0 } next)
        {
            started.UnionWith(next);
        }

        return Enumerable.Range(0, steps.Count).Where(index => !started.Contains(index)).Select(index => (int?)index).FirstOrDefault();
    }

    /// <summary>All that have succeeded when the step starts.</summary>
    public static IReadOnlySet<int> AllBefore(IReadOnlyList<PlannedStep> steps, int ordinal)
    {
        var dependencies = DependenciesOf(steps);
        var before = new HashSet<int>();
        var open = new Stack<int>(dependencies[ordinal]);
        while (open.TryPop(out var next))
        {
            if (before.Add(next))
            {
                foreach (var dependency in dependencies[next])
                {
                    open.Push(dependency);
                }
            }
        }

        return before;
    }
}
