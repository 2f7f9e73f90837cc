using System.Text.Json;
using SaasLlm.LiteLlmSimulator.Faults;
using SaasLlm.LiteLlmSimulator.Http;
using SaasLlm.LiteLlmSimulator.Models;
using SaasLlm.LiteLlmSimulator.Playing;
using SaasLlm.LiteLlmSimulator.Teams;

namespace SaasLlm.LiteLlmSimulator.Inference;

/// <summary>What every inference route checks, in LiteLLM's order, and what it plays, before the simulator answers by itself.</summary>
internal sealed class InferenceGate(
    ModelCatalogue catalogue, TeamBook teams, RecordingStore store, RecordingPlayer player, AliasPlayer aliases, Ids ids)
{
    private readonly ModelAccess _access = new(teams);

    /// <param name="route">As error messages name it, for example <c>/chat/completions</c>.</param>
    /// <param name="required">The parameter without which there is nothing to do.</param>
    public async Task<(InferenceCall? Passed, Answer? Answered)> EnterAsync(Call call, string route, string? required)
    {
        // LiteLLM reads a form as a form: nothing of the JSON in it is seen.
        var body = call.Http.Request.ContentType?.StartsWith("application/x-www-form-urlencoded", StringComparison.OrdinalIgnoreCase) == true ? default : call.Body;
        var callId = call.Http.Request.Headers.TryGetValue("x-litellm-call-id", out var given) ? given.ToString() : ids.NextUuid();
        var name = (call.Http.Request.RouteValues["model"] as string) ?? body.StringOf("model");
        var served = name is null ? null : catalogue.Find(call.Caller.Key?.ModelBehind(name) ?? name);
        if (name is not null && Budget(call.Caller) is { } overdrawn)
        {
            return (null, overdrawn);
        }

        if (name is not null && _access.Refuse(call.Caller, name) is { } denied)
        {
            return (null, denied);
        }

        if (Refuse(body, route, required, name, served is not null) is { } refusal)
        {
            return (null, CallHeaders.Failed(call, callId, refusal, route));
        }

        return await PlayAsync(call with { Body = body }, callId, served! with { Name = name! }, route);
    }

    private static Answer? Refuse(JsonElement body, string route, string? required, string? name, bool isServed)
    {
        if (required is not null && !body.Has(required, out _))
        {
            return Errors.MissingParameter(route, required);
        }

        if (body.Has("model", out var model) && model.ValueKind is not JsonValueKind.String)
        {
            return Errors.Proxy(400, "bad_request_error", "'model' must be a string.", "model");
        }

        return isServed ? null : Errors.UnknownModel(route, name);
    }

    private async Task<(InferenceCall? Passed, Answer? Answered)> PlayAsync(Call call, string callId, SimulatedModel served, string route)
    {
        var name = served.Name;
        var armed = call.Http.Features.Get<ArmedAlias>()?.Name;
        if (armed is null && name.StartsWith("recorded/", StringComparison.Ordinal))
        {
            var recording = name["recorded/".Length..];
            return (null, store.Find(recording) is null
                ? CallHeaders.Failed(call, callId, Errors.UnknownModel(route, name), route)
                : player.Answer(recording));
        }

        var alias = armed ?? (name.StartsWith("mock/", StringComparison.Ordinal) ? name["mock/".Length..] : null);
        if (alias is not null && !Aliases.IsKnown(alias))
        {
            return (null, CallHeaders.Failed(call, callId, Errors.UnknownModel(route, name), route));
        }

        if (alias is not null && await aliases.AnswerAsync(call.Http, alias, call.Body.IsTrue("stream")) is { } answer)
        {
            return (null, answer);
        }

        return (new(call, served, callId, alias), null);
    }

    private static Answer? Budget(Caller caller) => caller.Key is { MaxBudget: { } budget } key && key.Spend >= budget
        ? Errors.Proxy(
            422,
            "budget_exceeded",
            $"Budget has been exceeded! Key={(key.Alias is { } alias ? $"{alias} ({key.Name})" : key.Name)} Current cost: {PythonFloat.Text(key.Spend)}, Max budget: {PythonFloat.Text(budget)}",
            null)
        : null;
}
