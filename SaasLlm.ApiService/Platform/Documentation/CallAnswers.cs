using Microsoft.OpenApi;
using SaasLlm.ApiService.Llm;

namespace SaasLlm.ApiService.Platform.Documentation;

/// <summary>The document's description of what a call's answer carries beside its body, and of how a 402 and a 429 explain themselves.</summary>
internal static class CallAnswers
{
    private const string Requests = "requests a minute";
    private const string Tokens = "tokens a minute";

    private static readonly (string Name, string Description)[] s_rate =
    [
        .. Room("requests", Requests),
        .. Room("tokens", Tokens),
    ];

    private static readonly (string Name, string Description)[] s_cost =
    [
        ("x-job-id", "The job that the call belongs to; not where it was refused before one opened."),
        ("x-credits-charged", "What the job cost, where the request was a job of its own. A stream says it at its end, as `saasllm`: in the usage chunk, or in a response's last event."),
        ("x-credits-remaining", "What the team has left; beside `x-credits-charged`."),
    ];

    private static readonly (string Name, string Description) s_call = ("x-call-id", "The call, also where it failed; not where it was refused.");

    private static readonly (string Name, string Description)[] s_retry =
    [
        ("retry-after", "Seconds until a repeat may pass, rounded up; not where none ever will."),
        ("retry-after-ms", "The same in milliseconds, for the clients that read it."),
    ];

    private static readonly (string Name, string Description)[] s_shouldRetry =
        [("x-should-retry", "`false` where a repeat cannot help, `true` where it can: OpenAI's clients obey it.")];

    /// <param name="isOpenAi">The operation is on the OpenAI surface: its refusals have that envelope.</param>
    public static void Describe(OpenApiOperation operation, OpenApiDocument? document, IList<object> metadata, bool isOpenAi)
    {
        if (!metadata.OfType<CallRoute>().Any())
        {
            return;
        }

        Describe(operation, "200", [.. s_rate, .. isOpenAi ? s_cost : [], s_call, ("Server-Timing", "Milliseconds spent upstream and here: `upstream;dur=…, overhead;dur=…`.")]);
        Describe(operation, "402", isOpenAi ? s_shouldRetry : []);
        Describe(operation, "429", [.. s_retry, .. s_shouldRetry, .. s_rate]);
        Describe(operation, "409", isOpenAi ? s_shouldRetry : []);
        Describe(operation, "503", [.. s_retry, .. isOpenAi ? s_shouldRetry : []]);
        Explain(operation, "402", document, "Not enough credits: which limit, what is available, held and needed, and by whom it is held until when.", RefusalMembers.Credits, isOpenAi);
        Explain(operation, "429", document, "A limit is reached: which, of what, how much of it is used, and until when.", RefusalMembers.Limits, isOpenAi);
    }

    private static IEnumerable<(string Name, string Description)> Room(string what, string unit) =>
    [
        ($"x-ratelimit-limit-{what}", $"The tightest limit on {unit}, of the team or the key; absent where there is none."),
        ($"x-ratelimit-remaining-{what}", "What is left of it."),
        ($"x-ratelimit-reset-{what}", "Until all of it is free again, as OpenAI writes durations: `6m0s`."),
    ];

    private static void Describe(OpenApiOperation operation, string status, IEnumerable<(string Name, string Description)> headers)
    {
        if (operation.Responses?[status] is not OpenApiResponse response)
        {
            return;
        }

        foreach (var (name, description) in headers)
        {
            response.Headers ??= new Dictionary<string, IOpenApiHeader>();
            response.Headers.Add(name, new OpenApiHeader { Description = description, Schema = new OpenApiSchema { Type = JsonSchemaType.String } });
        }
    }

    private static void Explain(
        OpenApiOperation operation, string status, OpenApiDocument? document, string description, Dictionary<string, IOpenApiSchema> members, bool isOpenAi)
    {
        if (operation.Responses?[status] is not OpenApiResponse { Content.Values: { } contents } response)
        {
            return;
        }

        response.Description = description;
        foreach (var media in contents)
        {
            if (isOpenAi && media.Schema?.Properties?["error"] is OpenApiSchema error)
            {
                error.Properties = error.Properties!.Concat(members).ToDictionary();
            }
            else
            {
                media.Schema = new OpenApiSchema
                {
                    AllOf = [new OpenApiSchemaReference(nameof(Microsoft.AspNetCore.Mvc.ProblemDetails), document)],
                    Properties = members,
                };
            }
        }
    }
}
