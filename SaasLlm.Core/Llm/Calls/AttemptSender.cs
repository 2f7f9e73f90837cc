using System.Diagnostics;
using System.Text.Json;
using Microsoft.Extensions.Options;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Failpoints;
using SaasLlm.Core.Llm.Answers;
using SaasLlm.Core.Llm.Gateway;
using SaasLlm.Core.Llm.Streaming;

namespace SaasLlm.Core.Llm.Calls;

/// <summary>How one attempt went.</summary>
/// <param name="Response">The answer, written anew; of a stream its last event; null where the model gave none.</param>
/// <param name="HasBegun">Part of it was handed on: no other model can take over.</param>
internal sealed record Attempt(GatewayAnswer Answer, AnswerMeaning Meaning, AttemptEnd End, JsonElement? Response, bool HasBegun = false);

/// <summary>Sends an attempt that was written down, and says what came of it: what it means, what it cost.</summary>
internal sealed class AttemptSender(
    CompletionClient client, StreamClient streams, IOptions<GatewayOptions> options, LlmTelemetry telemetry, TimeProvider time)
{
    /// <summary>One try, to its end.</summary>
    public async Task<Attempt> SendAsync(CallPlan plan, CallProgress progress, AttemptIntent intent)
    {
        using var span = LlmTelemetry.StartAttempt(progress.Current.Model, plan.GroupName, intent.Number);
        var sent = new Sent(plan, progress, intent, span, time.GetTimestamp());
        return plan.Stream is { } stream ? await StreamAsync(sent, stream) : await CompleteAsync(sent);
    }

    private async Task<Attempt> CompleteAsync(Sent sent)
    {
        var (plan, progress, intent, _, _) = sent;
        var gateway = progress.Gateway;
        var body = plan.Body.For(intent.ModelName, plan.Call.JobId, progress.OutputCeiling, gateway.IsLiteLlm);
        Failpoint.Hit(FailpointName.BeforeUpstream);
        plan.Clock.Sent();
        var answer = await client.CompleteAsync(gateway, plan.Format.Path, body, progress.Within(intent.Timeout));
        plan.Clock.Answered();
        Failpoint.Hit(FailpointName.AfterUpstream);
        var latency = time.GetElapsedTime(sent.StartedAt);
        var meaning = AnswerClassifier.Classify(answer, gateway.IsLiteLlm, plan.Format.HasResult);

        var root = Parse(answer);
        var usage = root is { } parsed ? plan.Format.Usage(parsed) : null;
        var response = meaning == AnswerMeaning.Worked ? Response(root!.Value, plan, progress, usage) : null;
        if (meaning == AnswerMeaning.Worked && response is null)
        {
            meaning = AnswerMeaning.ModelFailed;
        }

        var textBytes = usage is null && meaning == AnswerMeaning.Worked ? AnswerContent.TextBytes(root!.Value) : 0;
        var known = new Known(
            usage, root is { } element ? AnswerContent.UpstreamId(element) : null, meaning == AnswerMeaning.Worked, textBytes,
            answer.CostUsd ?? (root is { } whole ? GatewayCost.Read(whole) : null));
        return new(answer, meaning, EndOf(sent, answer, meaning, known, latency), response);
    }

    private async Task<Attempt> StreamAsync(Sent sent, LlmStream stream)
    {
        var (plan, progress, intent, _, _) = sent;
        var gateway = progress.Gateway;
        var body = plan.Body.For(intent.ModelName, plan.Call.JobId, progress.OutputCeiling, gateway.IsLiteLlm, isStream: true);
        var reader = plan.Format.NewReader(new(plan.CallId, plan.GroupName, progress.StartedAt, progress.Current.Key));
        var limits = new StreamLimits(progress.Within(plan.AttemptTimeout), options.Value.StreamGapMax, progress.TimeLeft, options.Value.DrainMax);
        Failpoint.Hit(FailpointName.BeforeUpstream);
        plan.Clock.Sent();
        var (answer, meaning) = await streams.StreamAsync(gateway, plan.Format, body, reader, stream, limits);
        plan.Clock.Answered();
        Failpoint.Hit(FailpointName.AfterUpstream);
        var latency = time.GetElapsedTime(sent.StartedAt);
        var known = new Known(reader.Usage, reader.UpstreamId, reader.HasContent, reader.TextBytes, reader.GatewayCostUsd ?? answer.CostUsd);
        return new(answer, meaning, EndOf(sent, answer, meaning, known, latency), reader.Last, HasBegun: reader.HasContent);
    }

    private AttemptEnd EndOf(Sent sent, GatewayAnswer answer, AnswerMeaning meaning, Known known, TimeSpan latency)
    {
        var (plan, progress, intent, span, _) = sent;
        var (cost, evidence) = CostOfAttempt.Of(
            new(answer, known.Usage, known.HasContent, known.TextBytes, plan.Body.PromptTokens, plan.OutputMax), progress.Current.Price);
        var end = new AttemptEnd(
            intent.AttemptId,
            meaning == AnswerMeaning.Worked ? "succeeded" : "failed",
            meaning.Name(),
            answer.Status == 0 ? null : answer.Status,
            known.UpstreamId,
            known.Usage ?? default,
            cost,
            (int)Math.Min(latency.TotalMilliseconds, int.MaxValue),
            evidence,
            known.GatewayCostUsd);
        progress.Ended(end, answer, meaning);
        telemetry.AttemptEnded(span, plan.GroupName, intent.ModelName, end, latency);
        return end;
    }

    // Null: it holds text that nobody can write again, such as half a surrogate pair.
    private static JsonElement? Response(JsonElement root, CallPlan plan, CallProgress progress, TokenUsage? usage)
    {
        try
        {
            return plan.Format.Write(root, new(plan.CallId, plan.GroupName, progress.StartedAt, progress.Current.Key), usage);
        }
        catch (Exception exception) when (exception is InvalidOperationException or ArgumentException)
        {
            return null;
        }
    }

    private static JsonElement? Parse(GatewayAnswer answer)
    {
        try
        {
            return answer.Body.IsEmpty ? null : JsonElement.Parse(answer.Body.Span);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private readonly record struct Sent(CallPlan Plan, CallProgress Progress, AttemptIntent Intent, Activity? Span, long StartedAt);

    /// <summary>What the answer said of itself, and how much of it came.</summary>
    private readonly record struct Known(TokenUsage? Usage, string? UpstreamId, bool HasContent, long TextBytes, decimal? GatewayCostUsd);
}
