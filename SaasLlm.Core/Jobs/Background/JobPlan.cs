using System.Text.Json;
using SaasLlm.Core.Common;

namespace SaasLlm.Core.Jobs.Background;

/// <summary>The calls that a job is given with: steps, or a batch of one step over many inputs.</summary>
/// <param name="Steps">1 to <see cref="StepsMax"/>; empty where there is a batch.</param>
/// <param name="RunAt">Null: at once.</param>
/// <param name="Deadline">From <paramref name="RunAt"/> on; then the job expires.</param>
/// <param name="Continues">A step that fails stops only those that depend on it; false: it fails the job.</param>
public sealed record JobPlan(
    IReadOnlyList<PlannedStep> Steps, PlannedBatch? Batch, int MaxParallelism, int Priority, DateTimeOffset? RunAt, TimeSpan Deadline, bool Continues)
{
    public const int StepsMax = 100;
    public const int InputsMax = 10_000;
    public const int ParallelismMax = 256;
    public const int ParallelismDefault = 8;
    public const int BatchParallelismDefault = 32;
    public const int PriorityMax = 9;
    public const int PriorityDefault = 5;

    /// <summary>How far ahead a job may start, and how long it may take from then.</summary>
    public static readonly TimeSpan AheadMax = TimeSpan.FromDays(30);

    public static readonly TimeSpan DeadlineDefault = TimeSpan.FromDays(1);

    public int Total => Batch?.Inputs.Count ?? Steps.Count;

    /// <summary>Steps that have their answer from another job.</summary>
    internal int Answered => Steps.Count(step => step.Answer is not null);
}

/// <summary>One call to come.</summary>
/// <param name="Name">Matches <c>^[A-Za-z0-9_-]{1,64}$</c>; templates refer to its answer by it.</param>
/// <param name="Fields">OpenAI's fields; texts in it may hold placeholders.</param>
/// <param name="DependsOn">Names of steps that must succeed before it.</param>
/// <param name="MaxTries">How many failures that a repeat may heal end it: 1 to <see cref="MaxTriesMax"/>.</param>
public sealed record PlannedStep(string Name, string ModelGroup, string? Purpose, JsonElement Fields, IReadOnlyList<string> DependsOn, int MaxTries)
{
    public const int MaxTriesMax = 10;
    public const int MaxTriesDefault = 3;

    /// <summary>What it was answered in another job: it is not run again, and others may ask for it.</summary>
    internal JsonElement? Answer { get; init; }
}

/// <summary>One step over many inputs.</summary>
/// <param name="Inputs">Any JSON values, 1 to <see cref="JobPlan.InputsMax"/>.</param>
public sealed record PlannedBatch(PlannedStep Step, IReadOnlyList<JsonElement> Inputs)
{
    /// <summary>What its steps are called; null: by their numbers.</summary>
    internal IReadOnlyList<string>? Names { get; init; }
}

/// <summary>What is wrong with a plan.</summary>
/// <param name="Field">Its place in the request, for example <c>steps[1].messages[0].content</c>.</param>
public sealed record PlanFault(string Field, string Sentence);

/// <summary>A job that is open, with its plan.</summary>
public sealed record SubmittedJob(
    JobId JobId, string TeamId, int TotalSteps, DateTimeOffset CreatedAt, DateTimeOffset RunAt, DateTimeOffset DeadlineAt, decimal HeldCredits);
