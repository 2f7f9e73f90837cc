using FastEndpoints;
using SaasLlm.ApiService.Platform.Lists;
using SaasLlm.Core.Background;

namespace SaasLlm.ApiService.Admin;

/// <summary>Lists what runs in the background.</summary>
internal sealed class ListTasks(TaskReader tasks) : EndpointWithoutRequest<PageResponse<TaskResponse>>
{
    public override void Configure()
    {
        Get("");
        Group<TasksGroup>();
        Summary(s =>
        {
            s.Summary = "Lists the background tasks";
            s.Description = "All of them, by name, with their last run. Schedules are run by one job runner each tick; the other tasks by every "
                + "job runner, whose runs are told here every few seconds.";
            s.ResponseExamples[200] = new PageResponse<TaskResponse>([TaskResponse.Example], null);
        });
    }

    public override async Task HandleAsync(CancellationToken ct)
        => await Send.OkAsync(new([.. (await tasks.ListAsync(ct)).Select(TaskResponse.From)], null), ct);
}
