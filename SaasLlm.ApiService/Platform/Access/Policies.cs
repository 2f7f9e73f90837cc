using Microsoft.AspNetCore.Authorization;

namespace SaasLlm.ApiService.Platform.Access;

/// <summary>The names every route states one of, or AllowAnonymous.</summary>
internal static class Policies
{
    /// <summary>The operator alone; a team key is 403.</summary>
    public const string Operator = "operator";

    /// <summary>The operator, or a team for what is its own; the endpoint answers 404 for what is not.</summary>
    public const string TeamOrOperator = "team-or-operator";

    /// <summary>The role claim of the operator.</summary>
    internal const string OperatorRole = "operator";

    internal static void Configure(AuthorizationOptions options)
    {
        options.AddPolicy(Operator, policy => policy.RequireRole(OperatorRole));
        options.AddPolicy(TeamOrOperator, policy => policy.RequireAuthenticatedUser());
    }
}
