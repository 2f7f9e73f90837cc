using FastEndpoints;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.Core.Background;

namespace SaasLlm.ApiService.Admin;

/// <summary>Reads one background task.</summary>
internal sealed class GetTask(TaskReader tasks) : Endpoint<GetTaskRequest, TaskResponse>
{
    public override void Configure()
    {
        Get("/{name}");
        Group<TasksGroup>();
        Description(d => d.ProducesProblem(404));
        Summary(s =>
        {
            s.Summary = "Reads a background task";
            s.ResponseExamples[200] = TaskResponse.Example;
        });
    }

    public override async Task HandleAsync(GetTaskRequest request, CancellationToken ct)
    {
        var found = TaskName.IsName(request.Name) ? await tasks.FindAsync(request.Name, ct) : TaskReader.NotFound;
        await found.Match(
            task => Send.OkAsync(TaskResponse.From(task), ct),
            failure => Send.FailureAsync(failure));
    }
}

internal sealed record GetTaskRequest([property: RouteParam] string Name);
