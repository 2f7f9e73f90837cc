using FastEndpoints;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.ApiService.Platform.Idempotency;
using SaasLlm.Core.Background;

namespace SaasLlm.ApiService.Admin;

/// <summary>Asks for a run of a background task now.</summary>
internal sealed class RunTask(TaskReader tasks, TimeProvider time) : Endpoint<RunTaskRequest, TaskResponse>
{
    public override void Configure()
    {
        Post("/{name}/run");
        Group<TasksGroup>();
        Description(d => d.Produces<TaskResponse>(202).ProducesProblem(404));
        Summary(s =>
        {
            s.Summary = "Asks for a run of a background task now";
            s.Description = "A job runner takes it within about a second. While a run is under way, the one that was asked for begins when that has ended.";
            s.ResponseExamples[202] = TaskResponse.Example with { RequestedAt = TaskResponse.Example.LastEndedAt!.Value.AddSeconds(20) };
        });
    }

    public override async Task HandleAsync(RunTaskRequest request, CancellationToken ct)
    {
        var found = TaskName.IsName(request.Name)
            ? await tasks.RequestRunAsync(request.Name, HttpContext.GetWork(time).Id, ct)
            : TaskReader.NotFound;
        await found.Match(
            task => Send.ResponseAsync(TaskResponse.From(task), 202, ct),
            failure => Send.FailureAsync(failure));
    }
}

internal sealed record RunTaskRequest([property: RouteParam] string Name);
