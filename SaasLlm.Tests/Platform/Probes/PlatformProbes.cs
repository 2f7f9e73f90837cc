using System.Net.Sockets;
using System.Text.Json;
using FastEndpoints;
using FluentValidation;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Npgsql;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.ApiService.Platform.Json;
using SaasLlm.Core.Common;

namespace SaasLlm.Tests.Platform.Probes;

internal sealed class PlatformProbesGroup : Group
{
    public PlatformProbesGroup() => Configure("/platform", ep => ep.Description(d => d.WithTags("Platform")));
}

/// <summary>Fails in the way its route names.</summary>
internal sealed class FailingProbe : EndpointWithoutRequest
{
    public override void Configure()
    {
        Get("/fails/{how}");
        Group<PlatformProbesGroup>();
        AllowAnonymous();
    }

    public override async Task HandleAsync(CancellationToken ct)
    {
        switch (Route<string>("how"))
        {
            case "bug":
                throw new InvalidOperationException("a secret sk-12345 in a message");
            case "store-refused":
                throw new InvalidOperationException("wrapped", new NpgsqlException("refused", new SocketException(111)));
            case "store-shutting-down":
                throw new PostgresException("terminating connection", "FATAL", "FATAL", "57P01");
            case "constraint":
                throw new PostgresException("duplicate key", "ERROR", "ERROR", "23505");
            case "cancelled":
                HttpContext.Abort();
                await Task.Delay(Timeout.Infinite, ct);
                break;
            default:
                await Send.FailureAsync(new(FailureKind.InsufficientCredits, "credits.insufficient", "Not enough credits.")
                {
                    Details = new Dictionary<string, object?> { ["available"] = 0.250000m, ["needed"] = 149.000000m, ["status"] = "kept" },
                    RetryAfter = TimeSpan.FromMilliseconds(1200),
                });
                break;
        }
    }
}

internal sealed class OperatorProbe : EndpointWithoutRequest<string[]>
{
    public override void Configure()
    {
        Get("/operator");
        Group<PlatformProbesGroup>();
        Policies(ApiService.Platform.Access.Policies.Operator);
    }

    public override Task HandleAsync(CancellationToken ct) => Send.OkAsync(["operator"], ct);
}

internal sealed class CallerProbe : EndpointWithoutRequest<CallerProbeResponse>
{
    public override void Configure()
    {
        Get("/caller");
        Group<PlatformProbesGroup>();
        Policies(ApiService.Platform.Access.Policies.TeamOrOperator);
    }

    public override Task HandleAsync(CancellationToken ct)
    {
        var caller = HttpContext.GetCaller();
        return Send.OkAsync(new(caller.IsOperator, caller.Team?.TeamId, caller.MayActFor("team_a"), caller.MayActFor("team_b")), ct);
    }
}

internal sealed record CallerProbeResponse(bool IsOperator, string? TeamId, bool MayActForA, bool MayActForB);

/// <summary>Takes one value of every kind and gives it back.</summary>
internal sealed class KindsProbe : Endpoint<KindsProbeRequest, KindsProbeRequest>
{
    public override void Configure()
    {
        Post("/kinds");
        Group<PlatformProbesGroup>();
        AllowAnonymous();
    }

    public override Task HandleAsync(KindsProbeRequest req, CancellationToken ct) => Send.OkAsync(req, ct);
}

internal sealed record KindsProbeRequest(
    string? Text,
    decimal? Credits,
    int? Count,
    bool? Flag,
    Guid? SomeId,
    DateTimeOffset? At,
    IReadOnlyList<KindsProbeItem>? Items,
    Dictionary<string, string>? Labels,
    JsonElement? Metadata);

internal sealed record KindsProbeItem(string? ItemName, int Priority);

internal sealed class KindsProbeValidator : Validator<KindsProbeRequest>
{
    public KindsProbeValidator()
    {
        RuleFor(r => r.Credits).InclusiveBetween(0, 1_000_000).WithMessage("must be between 0 and 1000000");
        RuleFor(r => r.Metadata).IsMetadata();
        RuleForEach(r => r.Items).ChildRules(item => item.RuleFor(i => i.ItemName).NotEmpty().WithMessage("must not be empty"));
    }
}

/// <summary>An id in the route, and a bounded body.</summary>
internal sealed class RouteIdProbe : Endpoint<RouteIdProbeRequest, RouteIdProbeRequest>
{
    public override void Configure()
    {
        Put("/items/{item_id}");
        Group<PlatformProbesGroup>();
        AllowAnonymous();
        MaxRequestBodySize(2 * 1024 * 1024);
    }

    public override Task HandleAsync(RouteIdProbeRequest req, CancellationToken ct) => Send.OkAsync(req, ct);
}

internal sealed record RouteIdProbeRequest([property: RouteParam] Guid ItemId, string? Note);

/// <summary>A bare array replaces a list.</summary>
internal sealed class BareArrayProbe : Endpoint<List<string>, List<string>>
{
    public override void Configure()
    {
        Put("/names");
        Group<PlatformProbesGroup>();
        AllowAnonymous();
    }

    public override Task HandleAsync(List<string> req, CancellationToken ct) => Send.OkAsync(req, ct);
}
