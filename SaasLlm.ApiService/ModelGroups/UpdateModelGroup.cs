using System.Text.Json;
using FastEndpoints;
using FluentValidation;
using SaasLlm.ApiService.Platform;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.ApiService.Platform.Json;
using SaasLlm.Core.Llm.Gateway;
using SaasLlm.Core.ModelGroups;

namespace SaasLlm.ApiService.ModelGroups;

/// <summary>Changes a model group.</summary>
internal sealed class UpdateModelGroup(ModelGroupService groups) : Endpoint<UpdateModelGroupRequest, ModelGroupResponse>
{
    public override void Configure()
    {
        Put("/{group_name}");
        Group<ModelGroupsGroup>();
        Description(d => d.ProducesProblem(404));
        Summary(s =>
        {
            s.Summary = "Changes a model group";
            s.Description = "What is left out stays as it is; `models` and `settings` are replaced as a whole. "
                + "Every replica uses the change within a second. An `inactive` group is 404 to tenants.";
            s.ExampleRequest = new("ResumeAgent", "Resume analysis", null, null, "active", [new("gpt-4o", 0), new("gpt-4-turbo", 1)], null);
            s.ResponseExamples[200] = ModelGroupResponse.Example;
        });
    }

    public override async Task HandleAsync(UpdateModelGroupRequest request, CancellationToken ct)
    {
        var settings = request.Settings is { ValueKind: JsonValueKind.Object } ? MetadataRules.Text(request.Settings) : null;
        var updated = await groups.UpdateAsync(
            request.GroupName,
            new(request.DisplayName, request.Description, request.Kind, request.Status, settings, request.Models?.ToModels()),
            ct);
        await updated.Match(
            group => Send.OkAsync(ModelGroupResponse.From(group), ct),
            failure => Send.FailureAsync(failure));
    }
}

internal sealed record UpdateModelGroupRequest(
    [property: RouteParam] string GroupName,
    string? DisplayName,
    string? Description,
    string? Kind,
    string? Status,
    List<GroupModelRequest>? Models,
    [property: GroupSettingsSchema] JsonElement? Settings);

internal sealed class UpdateModelGroupValidator : Validator<UpdateModelGroupRequest>
{
    public UpdateModelGroupValidator(GatewayTargets gateways)
    {
        RuleFor(r => r.DisplayName).IsLine(200);
        RuleFor(r => r.Description).MaximumLength(2000);
        RuleFor(r => r.Kind).Must(kind => kind is null or "chat" or "embedding").WithMessage("must be chat or embedding");
        RuleFor(r => r.Status).Must(status => status is null or "active" or "inactive").WithMessage("must be active or inactive");
        RuleFor(r => r.Models).AreGroupModels(gateways);
        RuleFor(r => r.Settings).IsMetadata().AreGroupSettings();
    }
}
