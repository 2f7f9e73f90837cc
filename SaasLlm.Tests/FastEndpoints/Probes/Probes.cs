using FastEndpoints;
using FluentValidation;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace SaasLlm.Tests.FastEndpoints.Probes;

internal sealed class ProbesGroup : Group
{
    public ProbesGroup() => Configure("/probe", ep =>
    {
        ep.AllowAnonymous();
        ep.Description(d => d.WithTags("Probes").ProducesProblem(409));
    });
}

/// <summary>Binds from everywhere.</summary>
internal sealed class BindingProbe : Endpoint<BindingProbeRequest, BindingProbeRequest>
{
    public override void Configure()
    {
        Post("/binding/{anywhere}/{only_route}");
        Group<ProbesGroup>();
    }

    public override Task HandleAsync(BindingProbeRequest req, CancellationToken ct) => Send.OkAsync(req, ct);
}

internal sealed record BindingProbeRequest(
    string? OnlyBody,
    string? Anywhere,
    string? BodyOrQuery,
    [property: RouteParam] string? OnlyRoute,
    [property: QueryParam] int? OnlyQuery,
    [property: QueryParam] string[]? Names,
    [property: QueryParam] DayOfWeek? Day,
    [property: QueryParam] DateTimeOffset? Since,
    [property: BindFrom("other-name")] string? Renamed,
    [property: FromHeader("X-Probe", isRequired: false)] string? Header);

internal sealed class HeaderProbe : Endpoint<HeaderProbeRequest, HeaderProbeRequest>
{
    public override void Configure()
    {
        Get("/header");
        Group<ProbesGroup>();
    }

    public override Task HandleAsync(HeaderProbeRequest req, CancellationToken ct) => Send.OkAsync(req, ct);
}

internal sealed record HeaderProbeRequest([property: FromHeader("X-Needed")] int Needed);

internal sealed class FromBodyProbe : Endpoint<FromBodyProbeRequest, FromBodyProbeRequest>
{
    public override void Configure()
    {
        Put("/from-body/{name}");
        Group<ProbesGroup>();
    }

    public override Task HandleAsync(FromBodyProbeRequest req, CancellationToken ct) => Send.OkAsync(req, ct);
}

internal sealed record FromBodyProbeRequest([property: RouteParam] string Name, [property: FromBody] List<int> Values);

internal sealed class ValidatedProbe(ProbeCounter counter) : Endpoint<ValidatedProbeRequest, string>
{
    public override void Configure()
    {
        Post("/validated");
        Group<ProbesGroup>();
        Summary(s =>
        {
            s.Summary = "Validates";
            s.Description = "A longer sentence.";
            s.ExampleRequest = new("Ada", 7);
            s.ResponseExamples[200] = "done";
            s.RequestParam(r => r.FullName, "Who it is.");
        });
    }

    public override Task HandleAsync(ValidatedProbeRequest req, CancellationToken ct)
    {
        counter.Handled++;
        return Send.OkAsync("done", ct);
    }
}

internal sealed record ValidatedProbeRequest(string? FullName, int Age);

internal sealed class ValidatedProbeValidator : Validator<ValidatedProbeRequest>
{
    public static int Created { get; private set; }

    public ValidatedProbeValidator()
    {
        Created++;
        RuleFor(r => r.FullName).NotEmpty().WithMessage("is needed").MaximumLength(5).WithMessage("is too long");
        RuleFor(r => r.Age).GreaterThan(0).WithMessage("is too small");
    }
}

internal sealed class ProbeCounter
{
    public int Handled { get; set; }
}

internal sealed class ErrorsProbe : EndpointWithoutRequest
{
    public override void Configure()
    {
        Get("/errors/{how}");
        Group<ProbesGroup>();
    }

    public override async Task HandleAsync(CancellationToken ct)
    {
        switch (Route<string>("how"))
        {
            case "throw":
                ThrowError("of no field");
                break;
            case "throw-409":
                ThrowError("of no field", 409);
                break;
            case "several":
                AddError("first");
                AddError(new("FieldName", "second"));
                ThrowIfAnyErrors();
                break;
            case "none":
                ThrowIfAnyErrors();
                break;
            default:
                AddError("sent");
                await Send.ErrorsAsync(418, ct);
                break;
        }
    }
}

internal sealed class QueryProbe : EndpointWithoutRequest<string>
{
    public override void Configure()
    {
        Get("/query");
        Group<ProbesGroup>();
    }

    public override async Task HandleAsync(CancellationToken ct)
        => await Send.OkAsync($"{Query<int>("needed")} {Query<int?>("optional", isRequired: false)}", ct);
}

internal sealed class ExecutingProbe : Endpoint<ExecutingProbeRequest, ExecutingProbeResponse>
{
    public override void Configure()
    {
        Get("/executing/{name}");
        Group<ProbesGroup>();
    }

    public override Task<ExecutingProbeResponse> ExecuteAsync(ExecutingProbeRequest req, CancellationToken ct)
        => Task.FromResult(new ExecutingProbeResponse("Hello " + req.Name));
}

internal sealed record ExecutingProbeRequest(string Name);

internal sealed record ExecutingProbeResponse(string Greeting);

internal sealed class SendingProbe : EndpointWithoutRequest<ExecutingProbeResponse>
{
    public override void Configure()
    {
        Get("/sending/{how}");
        Group<ProbesGroup>();
    }

    public override Task HandleAsync(CancellationToken ct) => Route<string>("how") switch
    {
        "nothing" => Task.CompletedTask,
        "response" => SetResponse(),
        "201" => Send.ResponseAsync(new("made"), 201, ct),
        "204" => Send.NoContentAsync(ct),
        "202" => Send.StatusCodeAsync(202, ct),
        "string" => Send.StringAsync("plain", 203, cancellation: ct),
        _ => Send.ResultAsync(TypedResults.Text("result", statusCode: 206)),
    };

    private Task SetResponse()
    {
        Response = new("set");
        return Task.CompletedTask;
    }
}

internal sealed class BodylessPostProbe : EndpointWithoutRequest<string>
{
    public override void Configure()
    {
        Post("/bodyless");
        Group<ProbesGroup>();
    }

    public override Task HandleAsync(CancellationToken ct) => Send.OkAsync("done", ct);
}

internal sealed class RouteOnlyPostProbe : Endpoint<RouteOnlyPostProbeRequest, string>
{
    public override void Configure()
    {
        Post("/route-only/{name}");
        Group<ProbesGroup>();
    }

    public override Task HandleAsync(RouteOnlyPostProbeRequest req, CancellationToken ct) => Send.OkAsync(req.Name, ct);
}

internal sealed record RouteOnlyPostProbeRequest([property: RouteParam] string Name);

internal sealed class ManyRoutesProbe : EndpointWithoutRequest<string>
{
    public override void Configure()
    {
        Verbs(Http.GET, Http.PUT);
        Routes("/many/a", "/many/b");
        Group<ProbesGroup>();
    }

    public override Task HandleAsync(CancellationToken ct) => Send.OkAsync(HttpContext.Request.Method + HttpContext.Request.Path, ct);
}

internal sealed class SecureProbe : EndpointWithoutRequest<string>
{
    public override void Configure() => Get("/probe/secure");

    public override Task HandleAsync(CancellationToken ct) => Send.OkAsync("seen", ct);
}
