using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using SaasLlm.Core.Llm.Requests;
using SaasLlm.Core.ModelGroups;

namespace SaasLlm.Core.Jobs.Background;

/// <summary>
/// Finds what is wrong with a plan before anything is held for it: nothing of a job that was accepted fails by its shape later, when nobody
/// waits for the answer.
/// </summary>
public sealed partial class PlanChecks(IModelGroupResolver groups)
{
    // A caller who sent ten thousand faults needs a few of them.
    private const int FaultsMax = 20;

    // An escaped lone surrogate: JSON's grammar lets it pass, and no text can hold it.
    private const string NotUnicode = "holds text that is not Unicode";

    /// <summary>Empty: it can be submitted.</summary>
    public async Task<IReadOnlyList<PlanFault>> FindFaultsAsync(string teamId, JobPlan plan, CancellationToken cancellation)
    {
        List<PlanFault> faults = [];
        if (plan.Batch is { } batch)
        {
            faults.AddRange(await BodyFaultsAsync(teamId, batch.Step, "batch.step", cancellation));
            faults.AddRange(faults.Count == 0 ? InputFaults(batch) : []);
        }
        else
        {
            faults.AddRange(NameFaults(plan.Steps));
            faults.AddRange(faults.Count == 0 ? OrderFaults(plan.Steps) : []);
            for (var index = 0; index < plan.Steps.Count; index++)
            {
                faults.AddRange(await BodyFaultsAsync(teamId, plan.Steps[index], $"steps[{index}]", cancellation));
            }

            faults.AddRange(faults.Count == 0 ? ReferenceFaults(plan.Steps) : []);
        }

        return [.. faults.Take(FaultsMax)];
    }

    private static IEnumerable<PlanFault> NameFaults(IReadOnlyList<PlannedStep> steps)
    {
        var known = new HashSet<string>(StringComparer.Ordinal);
        for (var index = 0; index < steps.Count; index++)
        {
            if (!StepName().IsMatch(steps[index].Name))
            {
                yield return new($"steps[{index}].name", "must match ^[A-Za-z0-9_-]{1,64}$");
            }
            else if (!known.Add(steps[index].Name))
            {
                yield return new($"steps[{index}].name", $"'{steps[index].Name}' is another step's name");
            }
        }
    }

    private static List<PlanFault> OrderFaults(IReadOnlyList<PlannedStep> steps)
    {
        var known = steps.Select(step => step.Name).ToHashSet(StringComparer.Ordinal);
        List<PlanFault> unknown =
        [
            .. steps.SelectMany((step, index) => step.DependsOn
                .Where(name => !known.Contains(name) || name == step.Name)
                .Select(name => new PlanFault($"steps[{index}].depends_on", $"'{name}' is not the name of another step"))),
            .. steps.Select((step, index) => (step, index)).Where(item => item.step.DependsOn.Distinct(StringComparer.Ordinal).Count() != item.step.DependsOn.Count)
                .Select(item => new PlanFault($"steps[{item.index}].depends_on", "names a step twice")),
        ];
        return unknown.Count > 0 ? unknown
            : StepOrder.FirstOfCycle(steps) is { } index ? [new($"steps[{index}].depends_on", "the step waits for itself, by way of others")]
            : [];
    }

    // A step's text may be asked for only by those that wait for it: elsewhere it may not be there yet.
    private static IEnumerable<PlanFault> ReferenceFaults(IReadOnlyList<PlannedStep> steps)
    {
        for (var index = 0; index < steps.Count; index++)
        {
            var before = StepOrder.AllBefore(steps, index).Select(ordinal => steps[ordinal].Name).ToHashSet(StringComparer.Ordinal);
            foreach (var (field, placeholder) in BodyTemplate.Read(steps[index].Fields).Placeholders)
            {
                if (placeholder.Step is null)
                {
                    yield return new($"steps[{index}].{field}", $"'{placeholder}': only a batch has inputs");
                }
                else if (!before.Contains(placeholder.Step))
                {
                    yield return new($"steps[{index}].{field}", $"'{placeholder}': the step does not depend on '{placeholder.Step}'");
                }
            }
        }
    }

    private static IEnumerable<PlanFault> InputFaults(PlannedBatch batch)
    {
        var placeholders = BodyTemplate.Read(batch.Step.Fields).Placeholders;
        foreach (var (field, placeholder) in placeholders.Where(item => item.Placeholder.Step is not null))
        {
            yield return new($"batch.step.{field}", $"'{placeholder}': a batch has no other steps");
        }

        var paths = placeholders.Select(item => item.Placeholder).Where(placeholder => placeholder.Step is null).DistinctBy(placeholder => placeholder.ToString()).ToList();
        for (var index = 0; index < batch.Inputs.Count; index++)
        {
            if (Encoding.UTF8.GetByteCount(batch.Inputs[index].GetRawText()) > BodyTemplate.PlaceholderBytesMax)
            {
                yield return new($"batch.inputs[{index}]", $"is longer than {BodyTemplate.PlaceholderBytesMax} bytes");
            }

            foreach (var path in paths)
            {
                if (Missing(batch.Inputs[index], path) is { } sentence)
                {
                    yield return new($"batch.inputs[{index}]", sentence);
                }
            }
        }
    }

    private static string? Missing(JsonElement input, Placeholder placeholder)
    {
        try
        {
            return BatchInput.TextAt(input, placeholder.Path) is null ? $"has nothing for '{placeholder}'" : null;
        }
        catch (InvalidOperationException)
        {
            return NotUnicode;
        }
    }

    private async Task<IReadOnlyList<PlanFault>> BodyFaultsAsync(string teamId, PlannedStep step, string place, CancellationToken cancellation)
    {
        if (!(await groups.ResolveAsync(teamId, step.ModelGroup, cancellation)).TryGet(out var group, out var missing))
        {
            return [new($"{place}.model_group", missing.Message)];
        }

        if (group.Kind != "chat")
        {
            return [new($"{place}.model_group", "This model group is not for chat.")];
        }

        if (OutgoingBody.Read(step.Fields, group.Settings).Failure is { } wrong)
        {
            return [new($"{place}.{wrong.Details?.GetValueOrDefault("param") ?? "body"}", wrong.Message)];
        }

        try
        {
            var faults = BodyTemplate.Read(step.Fields).Faults;
            _ = BodyTemplate.Fill(step.Fields, _ => "");
            return [.. faults.Select(fault => new PlanFault($"{place}.{fault.Field}", fault.Sentence))];
        }
        catch (Exception exception) when (exception is InvalidOperationException or ArgumentException)
        {
            return [new(place, NotUnicode)];
        }
    }

    [GeneratedRegex(@"^[A-Za-z0-9_-]{1,64}\z")]
    private static partial Regex StepName();
}
