using Microsoft.Extensions.DependencyInjection;
using SaasLlm.Core.Credits;
using SaasLlm.Tests.Access;

namespace SaasLlm.Tests.Credits;

[Collection(ApiTests.Name)]
public sealed class AdmissionOverHttpTests(ApiFixture api)
{
    // Stigg's published example, through two replicas.
    [Fact]
    public async Task Twenty_requests_of_75_on_a_balance_of_500_are_granted_six_times()
    {
        var ledger = api.First.Services.GetRequiredService<ILedger>();
        var organization = await api.CreateOrganizationAsync();
        for (var round = 0; round < 20; round++)
        {
            var team = await api.CreateTeamAsync(500, organization);
            Assert.Null((await ledger.ConfigureAccountAsync(new(team.Id, new BudgetTerms(BudgetMode.JobBased, 75, 10, 10_000, 1, 0)), default)).Failure);
            ApiClient[] replicas = [api.First.As(team.Key), api.Second.As(team.Key)];

            var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(n => replicas[n % 2].PostAsync("/api/jobs/create", """{"job_type":"stigg"}""")));

            Assert.Equal(6, answers.Count(answer => answer.Status == 200));
            Assert.All(answers.Where(answer => answer.Status != 200), answer => answer.Is(402, "credits.insufficient"));
            var balance = (await api.Second.Operator.GetAsync($"/api/credits/teams/{team.Id}/balance")).Is(200);
            Assert.Equal((450m, 50m), ((decimal)balance["credits_held"]!, (decimal)balance["credits_available"]!));
        }
    }
}
