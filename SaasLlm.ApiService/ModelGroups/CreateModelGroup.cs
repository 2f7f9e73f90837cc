using System.Text.Json;
using FastEndpoints;
using FluentValidation;
using SaasLlm.ApiService.Platform;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.ApiService.Platform.Idempotency;
using SaasLlm.ApiService.Platform.Json;
using SaasLlm.Core.Common;
using SaasLlm.Core.Llm.Gateway;
using SaasLlm.Core.ModelGroups;

namespace SaasLlm.ApiService.ModelGroups;

/// <summary>Makes a model group.</summary>
internal sealed class CreateModelGroup(ModelGroupService groups, TimeProvider time) : Endpoint<CreateModelGroupRequest, ModelGroupResponse>
{
    public override void Configure()
    {
        Post("/create");
        Group<ModelGroupsGroup>();
        Description(d => d.ProducesProblem(409));
        Summary(s =>
        {
            s.Summary = "Makes a model group";
            s.Description = "Applications name the group; the model with the lowest priority answers, the others are its fallbacks.";
            s.ExampleRequest = new(
                "ResumeAgent", "Resume analysis", "Reads and scores resumes", "chat",
                [new("gpt-4-turbo", 0), new("gpt-3.5-turbo", 1)],
                JsonElement.Parse("""{"timeout_seconds": 30, "max_output_tokens": 4000, "default_temperature": 0.2}"""));
            s.ResponseExamples[200] = ModelGroupResponse.Example;
        });
    }

    public override async Task HandleAsync(CreateModelGroupRequest request, CancellationToken ct)
    {
        var created = await groups.CreateAsync(
            new(
                request.GroupName!,
                request.DisplayName ?? request.GroupName!,
                request.Description ?? "",
                request.Kind ?? "chat",
                request.Models!.ToModels(),
                MetadataRules.Text(request.Settings)),
            ct,
            HttpContext.GetWork(time));
        await created.Match(
            group => Send.OkAsync(ModelGroupResponse.From(group), ct),
            failure => Send.FailureAsync(failure));
    }
}

/// <param name="Kind"><c>chat</c> (where it is left out) or <c>embedding</c>.</param>
/// <param name="Settings">What the group allows and limits beyond the defaults; one that is not known is refused.</param>
internal sealed record CreateModelGroupRequest(
    string? GroupName, string? DisplayName, string? Description, string? Kind, List<GroupModelRequest>? Models,
    [property: GroupSettingsSchema] JsonElement? Settings);

internal sealed class CreateModelGroupValidator : Validator<CreateModelGroupRequest>
{
    public CreateModelGroupValidator(GatewayTargets gateways)
    {
        RuleFor(r => r.GroupName).Must(Names.IsGroupName).WithMessage("must match ^[A-Za-z0-9._-]{1,64}$");
        RuleFor(r => r.DisplayName).IsLine(200);
        RuleFor(r => r.Description).MaximumLength(2000);
        RuleFor(r => r.Kind).Must(kind => kind is null or "chat" or "embedding").WithMessage("must be chat or embedding");
        RuleFor(r => r.Models).NotNull().AreGroupModels(gateways);
        RuleFor(r => r.Settings).IsMetadata().AreGroupSettings();
    }
}
