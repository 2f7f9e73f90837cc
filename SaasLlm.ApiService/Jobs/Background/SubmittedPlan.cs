using System.Globalization;
using System.Text.Json;
using SaasLlm.Core.Jobs.Background;

namespace SaasLlm.ApiService.Jobs.Background;

/// <summary>Reads the calls of a submitted job.</summary>
internal static class SubmittedPlan
{
    private static readonly string[] s_stepFields = ["name", "depends_on", "max_tries"];

    /// <summary>The plan, or what is wrong with the request.</summary>
    public static (JobPlan? Plan, IReadOnlyList<PlanFault> Faults) Read(SubmitJobRequest request, TimeProvider time)
    {
        List<PlanFault> faults = [];
        if (request.RunAt > time.GetUtcNow() + JobPlan.AheadMax)
        {
            faults.Add(new("run_at", $"must be at most {JobPlan.AheadMax.Days} days ahead"));
        }

        var steps = new List<PlannedStep>();
        foreach (var (element, index) in (request.Steps ?? []).Select((element, index) => (element, index)))
        {
            // In a sequence a step waits for the one before it, unless it says itself what it waits for.
            var before = request.Mode is not "parallel" && steps.Count > 0 ? steps[^1].Name : null;
            if (Step(element, $"steps[{index}]", index, before, faults) is { } step)
            {
                steps.Add(step);
            }
        }

        var batch = Batch(request.Batch, faults);
        return faults.Count > 0
            ? (null, faults)
            : (new(
                steps, batch,
                request.MaxParallelism ?? (batch is null ? JobPlan.ParallelismDefault : JobPlan.BatchParallelismDefault),
                request.Priority ?? JobPlan.PriorityDefault,
                request.RunAt,
                request.DeadlineSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : JobPlan.DeadlineDefault,
                request.OnStepFailure is null ? batch is not null : request.OnStepFailure == "continue"), []);
    }

    private static PlannedBatch? Batch(SubmittedBatch? batch, List<PlanFault> faults)
    {
        if (batch is not { Step: { } template, Inputs: { } inputs } || Step(template, "batch.step", 0, null, faults) is not { } shared)
        {
            return null;
        }

        if (shared.DependsOn.Count > 0)
        {
            faults.Add(new("batch.step.depends_on", "a batch has no other steps"));
        }

        return new(shared, inputs);
    }

    private static PlannedStep? Step(JsonElement element, string place, int index, string? before, List<PlanFault> faults)
    {
        var (call, fault) = CallBody.Read(element, s_stepFields);
        if (call is null)
        {
            faults.Add(new(fault!.PropertyName == "body" ? place : $"{place}.{fault.PropertyName}", fault.ErrorMessage));
            return null;
        }

        var (name, tries, dependsOn) = (Member(element, "name"), Member(element, "max_tries"), Member(element, "depends_on"));
        if (FaultOf(name, tries, dependsOn) is { } wrong)
        {
            faults.Add(new($"{place}.{wrong.Field}", wrong.Sentence));
            return null;
        }

        return new(
            name?.GetString() ?? string.Create(CultureInfo.InvariantCulture, $"step_{index + 1}"),
            call.ModelGroup, call.Purpose, call.Fields,
            dependsOn is { } names ? [.. names.EnumerateArray().Select(item => item.GetString()!)] : before is null ? [] : [before],
            tries?.GetInt32() ?? PlannedStep.MaxTriesDefault);
    }

    private static PlanFault? FaultOf(JsonElement? name, JsonElement? tries, JsonElement? dependsOn)
    {
        if (name is { } text && !IsText(text))
        {
            return new("name", "must be a text");
        }

        if (tries is { } given && (given.ValueKind != JsonValueKind.Number || !given.TryGetInt32(out var number) || number is < 1 or > PlannedStep.MaxTriesMax))
        {
            return new("max_tries", $"must be a number from 1 to {PlannedStep.MaxTriesMax}");
        }

        return dependsOn is { } list && (list.ValueKind != JsonValueKind.Array || !list.EnumerateArray().All(IsText))
            ? new("depends_on", "must be a list of names")
            : null;
    }

    private static bool IsText(JsonElement element)
    {
        try
        {
            return element.ValueKind == JsonValueKind.String && element.GetString() is not null;
        }
        catch (InvalidOperationException)
        {
            return false; // half of a surrogate pair
        }
    }

    // Null is as if it were left out.
    private static JsonElement? Member(JsonElement element, string name)
        => element.TryGetProperty(name, out var member) && member.ValueKind != JsonValueKind.Null ? member : null;
}
