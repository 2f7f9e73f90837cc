using FastEndpoints;
using FluentValidation;
using SaasLlm.ApiService.Platform.Lists;
using SaasLlm.Core.ModelGroups;

namespace SaasLlm.ApiService.ModelGroups;

/// <summary>Lists model groups by name.</summary>
internal sealed class ListModelGroups(ModelGroupService groups) : Endpoint<ListModelGroupsRequest, PageResponse<ModelGroupResponse>>
{
    public override void Configure()
    {
        Get("");
        Group<ModelGroupsGroup>();
        Summary(s =>
        {
            s.Summary = "Lists model groups";
            s.Params["kind"] = "chat or embedding";
            s.Params["status"] = "active or inactive";
            s.Params["sort"] = "group_name or -group_name";
            s.ResponseExamples[200] = new PageResponse<ModelGroupResponse>([ModelGroupResponse.Example], null);
        });
    }

    public override async Task HandleAsync(ListModelGroupsRequest request, CancellationToken ct)
    {
        var page = await groups.ListAsync(request.ToQuery(), request.Kind, request.Status, ct);
        await Send.OkAsync(PageResponse.Of(page, ModelGroupResponse.From), ct);
    }
}

internal sealed record ListModelGroupsRequest(
    [property: QueryParam] int? Limit,
    [property: QueryParam] string? Cursor,
    [property: QueryParam] string? Sort,
    [property: QueryParam] string? Kind,
    [property: QueryParam] string? Status) : IPageRequest;

internal sealed class ListModelGroupsValidator : Validator<ListModelGroupsRequest>
{
    public ListModelGroupsValidator()
    {
        this.IsPage("group_name");
        RuleFor(r => r.Kind).Must(kind => kind is null or "chat" or "embedding").WithMessage("must be chat or embedding");
        RuleFor(r => r.Status).Must(status => status is null or "active" or "inactive").WithMessage("must be active or inactive");
    }
}
