using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using SaasLlm.Core.Common;
using SaasLlm.Core.Data;
using SaasLlm.Core.Failpoints;
using SaasLlm.Core.Llm;

namespace SaasLlm.Core.Jobs.Background;

/// <summary>Runs a claimed step: fills its body, makes its call, and saves its end before the call's end is billed.</summary>
internal sealed partial class StepRunner(
    ILlmCaller llm, StepStore steps, StepWriter writer, PlanStore plans, StepCipher cipher, StepTelemetry telemetry, IOptions<BackgroundJobOptions> options,
    TimeProvider time, ILogger<StepRunner> logger)
{
    private static readonly Failure s_broken = new(FailureKind.UpstreamFailed, "background.step_broken", "The step broke off.");

    /// <summary>Runs it to its end; whatever happens, its lease is given up or another runner has it.</summary>
    /// <param name="called">Told when its call has its answer or none will come, before that is saved.</param>
    public async Task RunAsync(ClaimedStep step, Action called)
    {
        var began = time.GetTimestamp();
        var isKept = false;
        Failure? failure;
        try
        {
            var body = await BodyAsync(step);
            failure = body.Failure;
            if (failure is null)
            {
                var call = new LlmCall(step.Id.TeamId, step.Id.JobId, step.ModelGroup, step.Purpose, body.Value)
                {
                    IsPlanned = true,
                    Caller = step.Caller,
                    Answered = async (answer, cancellation) =>
                    {
                        called();
                        return isKept = await KeepAsync(step, answer, cancellation);
                    },
                };
                failure = (await llm.CallAsync(call, CancellationToken.None)).Failure;
            }
        }
        catch (Exception exception)
        {
            LogBroken(exception, step.Id.JobId, step.Id.Ordinal);
            failure = StoreErrors.IsUnavailable(exception) ? StoreErrors.Unavailable : s_broken;
        }

        called();
        var verdict = failure is null ? (StepVerdict?)null : StepVerdict.Of(failure, step.Tries, step.MaxTries, options.Value, Random.Shared.NextDouble());
        if (failure is not null)
        {
            await FailedAsync(step, failure, verdict!.Value);
        }

        // Once it is kept it has ended well, whatever comes of telling the ledger.
        telemetry.Ran(isKept ? null : verdict?.Kind, isKept ? null : failure?.Code, time.GetElapsedTime(began));
    }

    private async Task<bool> KeepAsync(ClaimedStep step, LlmAnswer answer, CancellationToken cancellation)
    {
        Failpoint.Hit(FailpointName.StepAnswered);
        var end = new StepEnded(
            step.Id, step.Token, cipher.Seal(Sealed.Output, step.Id, System.Runtime.InteropServices.JsonMarshal.GetRawUtf8Value(answer.Response)),
            answer.End is null ? null : cipher.Seal(Sealed.CallEnd, step.Id, JsonSerializer.SerializeToUtf8Bytes(answer.End)),
            answer.CallId, answer.Usage, answer.LatencyMs, null);
        var isSaved = await writer.SaveAsync(end, cancellation);
        Failpoint.Hit(FailpointName.StepSaved);
        if (!isSaved)
        {
            LogLost(step.Id.JobId, step.Id.Ordinal);
        }

        return isSaved;
    }

    private async Task FailedAsync(ClaimedStep step, Failure failure, StepVerdict verdict)
    {
        try
        {
            switch (verdict.Kind)
            {
                case StepVerdictKind.Again:
                    await writer.SaveAsync(new StepPutBack(step.Id, step.Token, verdict.Wait, verdict.Counts, failure), CancellationToken.None);
                    break;
                case StepVerdictKind.Failed:
                    await writer.SaveAsync(StepEnded.Failed(step.Id, step.Token, failure), CancellationToken.None);
                    break;
                case StepVerdictKind.JobEnded:
                    await plans.EndAsync(step.Id.TeamId, step.Id.JobId, CancellationToken.None);
                    break;
            }
        }
        catch (Exception exception)
        {
            // Its lease runs out, and it is claimed again.
            LogNotSaved(exception, step.Id.JobId, step.Id.Ordinal);
        }
    }

    private async Task<Result<JsonElement>> BodyAsync(ClaimedStep step)
    {
        var request = JsonElement.Parse(cipher.Open(Sealed.Request, step.Id, step.Request));
        if (step.Template is not null)
        {
            var template = JsonElement.Parse(cipher.Open(Sealed.Template, StepId.Shared(step.Id.TeamId, step.Id.JobId), step.Template));
            return BodyTemplate.Fill(template, placeholder => BatchInput.TextAt(request, placeholder.Path) ?? "");
        }

        var names = BodyTemplate.Read(request).Placeholders.Select(item => item.Placeholder.Step).OfType<string>().Distinct(StringComparer.Ordinal).ToArray();
        if (names.Length == 0)
        {
            return BodyTemplate.Fill(request, _ => "");
        }

        var outputs = await steps.OutputsAsync(step.Id.TeamId, step.Id.JobId, names, CancellationToken.None);
        var texts = outputs.ToDictionary(
            output => output.Key,
            output => StepOutput.Text(JsonElement.Parse(cipher.Open(Sealed.Output, step.Id with { Ordinal = output.Value.Ordinal }, output.Value.Output))),
            StringComparer.Ordinal);
        return BodyTemplate.Fill(request, placeholder => texts[placeholder.Step!]);
    }

    [LoggerMessage(4202, LogLevel.Warning, "The lease of step {Ordinal} of job {JobId} was lost; its answer is discarded")]
    private partial void LogLost(JobId jobId, int ordinal);

    [LoggerMessage(4203, LogLevel.Error, "Step {Ordinal} of job {JobId} broke off")]
    private partial void LogBroken(Exception exception, JobId jobId, int ordinal);

    [LoggerMessage(4204, LogLevel.Warning, "The end of step {Ordinal} of job {JobId} could not be saved; it is run again when its lease has run out")]
    private partial void LogNotSaved(Exception exception, JobId jobId, int ordinal);
}
