using System.Text.Json;
using FluentValidation;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace FastEndpoints;

/// <summary>An endpoint with a request.</summary>
public abstract class Endpoint<TRequest> : Endpoint<TRequest, object?> where TRequest : notnull;

/// <summary>An endpoint without a request.</summary>
public abstract class EndpointWithoutRequest : Endpoint<EmptyRequest, object?>
{
    public virtual Task HandleAsync(CancellationToken ct) => throw new NotImplementedException();

    public sealed override Task HandleAsync(EmptyRequest req, CancellationToken ct) => HandleAsync(ct);
}

/// <summary>An endpoint without a request, with a response.</summary>
public abstract class EndpointWithoutRequest<TResponse> : Endpoint<EmptyRequest, TResponse>
{
    public virtual Task HandleAsync(CancellationToken ct) => throw new NotImplementedException();

    public sealed override Task HandleAsync(EmptyRequest req, CancellationToken ct) => HandleAsync(ct);

    public virtual Task<TResponse> ExecuteAsync(CancellationToken ct) => throw new NotImplementedException();

    public sealed override Task<TResponse> ExecuteAsync(EmptyRequest req, CancellationToken ct) => ExecuteAsync(ct);
}

/// <summary>An endpoint with a request and a response.</summary>
public abstract partial class Endpoint<TRequest, TResponse> : BaseEndpoint where TRequest : notnull
{
    private TResponse? _response;

    /// <summary>Sent by itself, with status 200, when the handler sends nothing.</summary>
    public TResponse Response
    {
        get => _response!;
        set => _response = value;
    }

    /// <summary>True once something was sent.</summary>
    public bool ResponseStarted => HttpContext.ResponseStarted();

    /// <summary>True if binding, validation or the handler found a fault.</summary>
    public bool ValidationFailed => ValidationFailures.Count > 0;

    public System.Security.Claims.ClaimsPrincipal User => HttpContext.User;

    /// <summary>Sends the answer.</summary>
    protected ResponseSender<TRequest, TResponse> Send => new(this);

    public virtual Task HandleAsync(TRequest req, CancellationToken ct) => throw new NotImplementedException();

    public virtual Task<TResponse> ExecuteAsync(TRequest req, CancellationToken ct) => throw new NotImplementedException();

    internal override async Task ExecAsync(CancellationToken ct)
    {
        try
        {
            LimitBody();
            var request = await RequestBinder<TRequest>.BindAsync(HttpContext, ValidationFailures, ct);
            await ValidateAsync(request, ct);
            if (Definition.HandlesByExecuting)
            {
                _response = await ExecuteAsync(request, ct);
                if (_response is IResult result && !Definition.DontAutoSend)
                {
                    await Send.ResultAsync(result);
                }
            }
            else
            {
                await HandleAsync(request, ct);
            }

            if (!Definition.DontAutoSend && !ResponseStarted)
            {
                await (_response is null ? Send.NoContentAsync(ct) : Send.ResponseAsync(_response, HttpContext.Response.StatusCode, ct));
            }
        }
        catch (JsonException exception) when (Config.BindingSettings.JsonExceptionTransformer is not null && !ResponseStarted)
        {
            ValidationFailures.Add(Config.BindingSettings.JsonExceptionTransformer(exception));
            await Send.ErrorsAsync(Config.BindingSettings.JsonExceptionStatusCode, ct);
        }
        catch (ValidationFailureException exception)
        {
            if (!ResponseStarted)
            {
                await Send.ErrorsAsync(exception.StatusCode ?? Config.ErrorSettings.StatusCode, ct);
            }
        }
    }

    private void LimitBody()
    {
        if (Definition.MaxRequestSize > 0 && HttpContext.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } feature)
        {
            feature.MaxRequestBodySize = Definition.MaxRequestSize;
        }
    }

    private async Task ValidateAsync(TRequest request, CancellationToken cancellation)
    {
        if (Definition.GetValidator() is IValidator<TRequest> validator)
        {
            var result = await validator.ValidateAsync(request, cancellation);
            ValidationFailures.AddRange(result.Errors);
            if (ValidationFailures.Count > 0 && Definition.ThrowIfValidationFails)
            {
                throw new ValidationFailureException(ValidationFailures, "Request validation failed");
            }
        }
    }
}
