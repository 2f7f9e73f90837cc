using Microsoft.OpenApi;

namespace SaasLlm.ApiService.Platform.Documentation;

/// <summary>What a refused call's problem says beside its code: members of the problem document, or of OpenAI's <c>error</c>.</summary>
internal static class RefusalMembers
{
    /// <summary>Of a 402.</summary>
    public static Dictionary<string, IOpenApiSchema> Credits => new()
    {
        ["limit"] = Text("`balance` or `credit_limit`."),
        ["level"] = Text("`team`."),
        ["available"] = Number("Credits that neither are used nor held."),
        ["held"] = Number("Credits that open jobs hold."),
        ["needed"] = Number("Credits that the request would hold."),
        ["allocated"] = Number("All credits granted."),
        ["used"] = Number("All credits spent."),
        ["admits_now"] = Integer("How many such requests would pass now."),
        ["max_tokens_admitted"] = Integer("With `max_tokens` of at most this the call would pass; 0: with none."),
        ["credit_limit"] = Number("The month's limit; with `credits.limit`."),
        ["month_used"] = Number("Credits used this month; with `credits.limit`."),
        ["holds"] = new OpenApiSchema
        {
            Type = JsonSchemaType.Array,
            Description = "Who holds the credits: a few, earliest ending first; with `credits.insufficient`.",
            Items = new OpenApiSchema
            {
                Type = JsonSchemaType.Object,
                Properties = new Dictionary<string, IOpenApiSchema>
                {
                    ["job_id"] = Text("The open job."),
                    ["credits"] = Number("What it holds."),
                    ["expires_at"] = Time("When it ends at the latest."),
                },
            },
        },
        ["earliest_release_at"] = Time("When the first of the holds ends at the latest; null where nothing is held."),
    };

    /// <summary>Of a 429.</summary>
    public static Dictionary<string, IOpenApiSchema> Limits => new()
    {
        ["limit"] = Text("`requests_per_minute`, `tokens_per_minute`, `parallel_calls`; with `jobs.limit` `max_calls` or `max_cost_usd`."),
        ["level"] = Text("Whose limit: `team`, `key` or `job`."),
        ["team_id"] = Text("The team, where it is the team's."),
        ["key_id"] = Text("The key, where it is the key's."),
        ["allowed"] = Integer("The limit."),
        ["used"] = Integer("What is used of it."),
        ["available"] = Integer("What is left of it."),
        ["until"] = Time("When a repeat may pass; null where it never will."),
        ["needed"] = Integer("Tokens that the call may use; with `tokens_per_minute`."),
        ["max_tokens_admitted"] = Integer("With `max_tokens` of at most this the call would pass; 0: with none. With `tokens_per_minute` and `max_cost_usd`."),
        ["max_calls"] = Integer("Calls that the job may make."),
        ["max_cost_usd"] = Number("What the job's calls may cost together, USD."),
        ["needed_usd"] = Number("What they would cost with this one, USD."),
    };

    private static OpenApiSchema Text(string description) => Of(JsonSchemaType.String, description);

    private static OpenApiSchema Number(string description) => Of(JsonSchemaType.Number, description);

    private static OpenApiSchema Integer(string description) => Of(JsonSchemaType.Integer, description);

    private static OpenApiSchema Time(string description)
        => new() { Type = JsonSchemaType.String | JsonSchemaType.Null, Format = "date-time", Description = description };

    private static OpenApiSchema Of(JsonSchemaType type, string description) => new() { Type = type, Description = description };
}
