using System.Text.Json;
using FastEndpoints;
using FluentValidation.Results;
using SaasLlm.ApiService.Llm;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.Core.Common;
using SaasLlm.Core.Llm;

namespace SaasLlm.ApiService.Jobs;

/// <summary>A route of the job API that calls a model: reads the call, refuses it, or has it made.</summary>
internal abstract class CallEndpoint<TRequest, TResponse> : Endpoint<TRequest, TResponse> where TRequest : ICallRequest
{
    /// <param name="path">Below <c>/api/jobs</c>.</param>
    protected void ConfigureCall(string path)
    {
        Post(path);
        Group<JobsGroup>();
        Description(CallRoute.Describe);
    }

    protected abstract ValueTask<CallRead> ReadAsync(TRequest request, CancellationToken cancellation);

    protected abstract Task AnswerAsync(LlmCall call, CancellationToken cancellation);

    public sealed override async Task HandleAsync(TRequest request, CancellationToken ct)
    {
        var (call, faults, refused) = await ReadAsync(request, ct);
        if (call is not null)
        {
            await AnswerAsync(call, ct);
            return;
        }

        foreach (var fault in faults)
        {
            AddError(fault);
        }

        ThrowIfAnyErrors(request.Body.ValueKind == JsonValueKind.Object ? 422 : 400);
        await Send.FailureAsync(refused!);
    }
}

/// <summary>A request whose body is a chat request of OpenAI's API with our own fields beside it.</summary>
internal interface ICallRequest
{
    JsonElement Body { get; }
}

/// <summary>The call that a request asks for; or what is wrong with its body, by field; or why the caller may not.</summary>
internal readonly record struct CallRead(LlmCall? Call, IReadOnlyList<ValidationFailure> Faults, Failure? Refused)
{
    public static CallRead Of(LlmCall call) => new(call, [], null);

    public static CallRead Invalid(params IReadOnlyList<ValidationFailure> faults) => new(null, faults, null);

    public static CallRead Refuse(Failure failure) => new(null, [], failure);
}
