using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using SaasLlm.Core.Llm;
using SaasLlm.Tests.Access;

namespace SaasLlm.Tests.Llm;

/// <summary>A replica whose models, <c>model-a</c> and <c>model-b</c>, are a stub.</summary>
internal static class StubbedApi
{
    /// <param name="configure">Replaces services.</param>
    public static Task<Replica> StartAsync(
        string postgres, string redis, StubGateway gateway, TimeSpan callTimeout, Action<IServiceCollection>? configure = null)
    {
        var settings = ApiFixture.Settings(postgres, redis);
        settings["Gateway:BaseUrl"] = gateway.BaseUrl;
        settings["Gateway:CallTimeout"] = callTimeout.ToString();
        foreach (var model in new[] { "model-a", "model-b" })
        {
            settings[$"Pricing:Models:{model}:InputUsdPerMillion"] = "1";
            settings[$"Pricing:Models:{model}:OutputUsdPerMillion"] = "1";
        }

        return Replica.StartAsync(settings, services =>
        {
            services.Replace(ServiceDescriptor.Singleton<ITeamGatewayKeys>(new FakeGatewayKeys()));
            configure?.Invoke(services);
        });
    }

    /// <summary>A team with 10 credits and a group of the models, of the first one where none is named.</summary>
    public static async Task<(ApiClient Team, string TeamId, string Group)> TeamAsync(Replica api, params string[] models)
    {
        var (organization, team, group) = (ApiFixture.Unique("org"), ApiFixture.Unique("team"), ApiFixture.Unique("Group"));
        var named = string.Join(',', (models is [] ? ["model-a"] : models).Select(model => $$"""{"model_name":"{{model}}"}"""));
        (await api.Operator.PostAsync("/api/organizations/create", $$"""{"organization_id":"{{organization}}","name":"Org"}""")).Is(200);
        (await api.Operator.PostAsync("/api/model-groups/create", $$"""{"group_name":"{{group}}","display_name":"G","models":[{{named}}]}""")).Is(200);
        var created = (await api.Operator.PostAsync("/api/teams/create", $$"""
            {"organization_id":"{{organization}}","team_id":"{{team}}","team_alias":"T","model_groups":["{{group}}"],"credits_allocated":10}
            """)).Is(200);
        return (api.As((string)created["virtual_key"]!), team, group);
    }
}
