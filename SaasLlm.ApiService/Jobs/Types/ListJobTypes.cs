using FastEndpoints;
using SaasLlm.ApiService.Platform.Lists;
using SaasLlm.Core.Jobs;

namespace SaasLlm.ApiService.Jobs.Types;

/// <summary>Lists job types by name.</summary>
internal sealed class ListJobTypes(JobTypeService types) : Endpoint<ListJobTypesRequest, PageResponse<JobTypeResponse>>
{
    public override void Configure()
    {
        Get("");
        Group<JobTypesGroup>();
        Summary(s =>
        {
            s.Summary = "Lists job types";
            s.Params["sort"] = "name or -name";
            s.ResponseExamples[200] = new PageResponse<JobTypeResponse>([JobTypeResponse.Example], null);
        });
    }

    public override async Task HandleAsync(ListJobTypesRequest request, CancellationToken ct)
        => await Send.OkAsync(PageResponse.Of(await types.ListAsync(request.ToQuery(), ct), JobTypeResponse.From), ct);
}

internal sealed record ListJobTypesRequest(
    [property: QueryParam] int? Limit, [property: QueryParam] string? Cursor, [property: QueryParam] string? Sort) : IPageRequest;

internal sealed class ListJobTypesValidator : Validator<ListJobTypesRequest>
{
    public ListJobTypesValidator() => this.IsPage("name");
}
