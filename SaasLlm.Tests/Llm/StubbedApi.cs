using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using SaasLlm.Core.Llm;
using SaasLlm.Tests.Access;

namespace SaasLlm.Tests.Llm;

/// <summary>A replica whose one model, <c>model-a</c>, is a stub.</summary>
internal static class StubbedApi
{
    public static Task<Replica> StartAsync(string postgres, string redis, StubGateway gateway, TimeSpan callTimeout)
    {
        var settings = ApiFixture.Settings(postgres, redis);
        settings["Gateway:BaseUrl"] = gateway.BaseUrl;
        settings["Gateway:CallTimeout"] = callTimeout.ToString();
        settings["Pricing:Models:model-a:InputUsdPerMillion"] = "1";
        settings["Pricing:Models:model-a:OutputUsdPerMillion"] = "1";
        return Replica.StartAsync(settings, services => services.Replace(ServiceDescriptor.Singleton<ITeamGatewayKeys>(new FakeGatewayKeys())));
    }

    /// <summary>A team with 10 credits and a group of the model.</summary>
    public static async Task<(ApiClient Team, string TeamId, string Group)> TeamAsync(Replica api)
    {
        var (organization, team, group) = (ApiFixture.Unique("org"), ApiFixture.Unique("team"), ApiFixture.Unique("Group"));
        (await api.Operator.PostAsync("/api/organizations/create", $$"""{"organization_id":"{{organization}}","name":"Org"}""")).Is(200);
        (await api.Operator.PostAsync("/api/model-groups/create", $$"""{"group_name":"{{group}}","display_name":"G","models":[{"model_name":"model-a"}]}""")).Is(200);
        var created = (await api.Operator.PostAsync("/api/teams/create", $$"""
            {"organization_id":"{{organization}}","team_id":"{{team}}","team_alias":"T","model_groups":["{{group}}"],"credits_allocated":10}
            """)).Is(200);
        return (api.As((string)created["virtual_key"]!), team, group);
    }
}
