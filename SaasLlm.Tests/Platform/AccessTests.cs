using System.Net;

namespace SaasLlm.Tests.Platform;

/// <summary>Who may call what.</summary>
[Collection(PlatformCollection.Name)]
public sealed class AccessTests(PlatformApp app)
{
    private const string Admin = $"X-Admin-Key: {PlatformApp.AdminKey}";
    private const string AdminBearer = $"Authorization: Bearer {PlatformApp.AdminKey}";
    private const string TeamA = "Authorization: Bearer sk-team-a";

    [Theory]
    [InlineData(Admin)]
    [InlineData(AdminBearer)]
    [InlineData(Admin, TeamA)]
    [InlineData(Admin, AdminBearer)]
    public async Task The_operator_comes_with_the_admin_key(params string[] headers)
    {
        Assert.Equal("""["operator"]""", (await app.GetAsync("/platform/operator", headers)).Text);
        Assert.Equal("""{"is_operator":true,"team_id":null,"may_act_for_a":true,"may_act_for_b":true}""", (await app.GetAsync("/platform/caller", headers)).Text);
    }

    [Fact]
    public async Task A_team_comes_with_its_key_and_acts_for_itself_only()
        => Assert.Equal(
            """{"is_operator":false,"team_id":"team_a","may_act_for_a":true,"may_act_for_b":false}""",
            (await app.GetAsync("/platform/caller", TeamA)).Text);

    [Fact]
    public async Task A_team_on_a_route_of_the_operator_is_403()
        => (await app.GetAsync("/platform/operator", TeamA)).AssertProblem(HttpStatusCode.Forbidden, "access.forbidden");

    [Theory]
    [InlineData]
    [InlineData("X-Admin-Key:")]
    [InlineData("X-Admin-Key: wrong")]
    [InlineData("X-Admin-Key: wrong", TeamA)]
    [InlineData("X-Admin-Key: sk-team-a")]
    [InlineData(Admin, "Authorization: Bearer sk-unknown")]
    [InlineData("Authorization: Bearer sk-unknown")]
    [InlineData("Authorization: Bearer")]
    [InlineData("Authorization: Bearer ")]
    [InlineData("Authorization: sk-team-a")]
    [InlineData("Authorization: Basic c2stdGVhbS1h")]
    public async Task No_key_and_a_wrong_key_are_401(params string[] headers)
    {
        foreach (var path in new[] { "/platform/operator", "/platform/caller" })
        {
            var answer = await app.GetAsync(path, headers);

            answer.AssertProblem(HttpStatusCode.Unauthorized, "access.unauthorized");
            Assert.Equal("Bearer", answer.Headers.WwwAuthenticate.ToString());
        }
    }

    [Fact]
    public async Task A_wrong_key_is_401_on_a_route_that_is_not_there_too()
        => (await app.GetAsync("/no/such/route", "X-Admin-Key: wrong")).AssertProblem(HttpStatusCode.Unauthorized, "access.unauthorized");

    [Theory]
    [InlineData("/openapi/v1.json")]
    [InlineData("/docs/index.html")]
    public async Task The_documentation_is_open_to_anybody(string path)
    {
        Assert.Equal(200, (await app.GetAsync(path)).Status);
        Assert.Equal(200, (await app.GetAsync(path, "X-Admin-Key: wrong")).Status);
    }

    [Fact]
    public async Task An_endpoint_without_a_policy_wants_a_caller()
        => (await app.GetAsync("/probe/secure")).AssertProblem(HttpStatusCode.Unauthorized, "access.unauthorized");
}
