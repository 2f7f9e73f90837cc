using System.Security.Claims;
using System.Security.Cryptography;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.Core.Teams;

namespace SaasLlm.ApiService.Platform.Access;

/// <summary>
/// Reads the caller's key: the operator's from <c>X-Admin-Key</c> or Bearer, a team's (<c>sk-…</c>) from Bearer.
/// A key that is sent and is wrong is 401, whatever else was sent.
/// </summary>
internal sealed class KeyAuthentication(
    IOptionsMonitor<AuthenticationSchemeOptions> options,
    ILoggerFactory loggers,
    UrlEncoder encoder,
    IOptions<AccessOptions> access,
    ITeamKeyAuthenticator teamKeys) : AuthenticationHandler<AuthenticationSchemeOptions>(options, loggers, encoder)
{
    public const string SchemeName = "Key";
    public const string AdminHeader = "X-Admin-Key";

    private static readonly ClaimsPrincipal s_operator = new(new ClaimsIdentity(
        [new(ClaimTypes.Role, Policies.OperatorRole)], SchemeName));

    private static readonly AuthenticateResult s_unknownKey = AuthenticateResult.Fail("unknown key");

    private static readonly ClaimsPrincipal s_team = new(new ClaimsIdentity([], SchemeName));

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        var isOperator = false;
        if (Request.Headers.TryGetValue(AdminHeader, out var adminKey))
        {
            if (!IsAdminKey(adminKey.ToString()))
            {
                return s_unknownKey;
            }

            isOperator = true;
        }

        var authorization = Request.Headers.Authorization.ToString();
        if (authorization.Length == 0)
        {
            return isOperator ? Succeed(Caller.Operator, s_operator) : AuthenticateResult.NoResult();
        }

        const string bearer = "Bearer ";
        if (!authorization.StartsWith(bearer, StringComparison.OrdinalIgnoreCase))
        {
            return s_unknownKey;
        }

        var key = authorization[bearer.Length..].Trim();
        if (IsAdminKey(key))
        {
            return Succeed(Caller.Operator, s_operator);
        }

        return await teamKeys.FindAsync(key, Context.RequestAborted) is not { } team ? s_unknownKey
            : isOperator ? Succeed(Caller.Operator, s_operator)
            : Succeed(Caller.Of(team), s_team);
    }

    protected override Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        Response.Headers.WWWAuthenticate = "Bearer";
        return Problem.WriteAsync(Context, 401, "access.unauthorized",
            "Send a valid team key as 'Authorization: Bearer sk-…', or the operator's key as 'X-Admin-Key'.");
    }

    protected override Task HandleForbiddenAsync(AuthenticationProperties properties)
        => Problem.WriteAsync(Context, 403, "access.forbidden", "This route is for the operator.");

    private AuthenticateResult Succeed(Caller caller, ClaimsPrincipal principal)
    {
        Context.Features.Set(caller);
        return AuthenticateResult.Success(new(principal, SchemeName));
    }

    private bool IsAdminKey(string key)
        => CryptographicOperations.FixedTimeEquals(AccessOptions.Hash(key), access.Value.AdminKeyHash);
}
