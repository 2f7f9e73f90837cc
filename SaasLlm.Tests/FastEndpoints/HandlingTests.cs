using System.Net;
using Microsoft.Extensions.DependencyInjection;
using SaasLlm.Tests.FastEndpoints.Probes;
using SaasLlm.Tests.Platform;

namespace SaasLlm.Tests.FastEndpoints;

/// <summary>Held against the drop-in and against the package alike.</summary>
[Collection(PlatformCollection.Name)]
public sealed class HandlingTests(PlatformApp app)
{
    [Fact]
    public async Task A_validator_is_found_runs_first_and_serves_all_requests()
    {
        var counter = app.Services.GetRequiredService<ProbeCounter>();
        var before = counter.Handled;

        var refused = await app.PostAsync("/probe/validated", """{"full_name":"","age":0}""");
        var longName = await app.PostAsync("/probe/validated", """{"full_name":"too long a name","age":1}""");
        var accepted = await app.PostAsync("/probe/validated", """{"full_name":"Ada","age":1}""");

        refused.AssertProblem(HttpStatusCode.UnprocessableEntity, "request.invalid");
        Assert.Equal("""{"full_name":["is needed"],"age":["is too small"]}""", refused.Json.GetProperty("errors").GetRawText());
        Assert.Equal("""{"full_name":["is too long"]}""", longName.Json.GetProperty("errors").GetRawText());
        Assert.Equal("\"done\"", accepted.Text);
        Assert.Equal(before + 1, counter.Handled);
        Assert.Equal(1, ValidatedProbeValidator.Created);
    }

    [Theory]
    [InlineData("throw", 422, """{"general_errors":["of no field"]}""")]
    [InlineData("throw-409", 409, """{"general_errors":["of no field"]}""")]
    [InlineData("several", 422, """{"general_errors":["first"],"field_name":["second"]}""")]
    [InlineData("send", 418, """{"general_errors":["sent"]}""")]
    public async Task A_handler_may_find_faults_too(string how, int status, string errors)
    {
        var answer = await app.GetAsync($"/probe/errors/{how}");

        Assert.Equal((status, errors), (answer.Status, answer.Json.GetProperty("errors").GetRawText()));
    }

    [Fact]
    public async Task Without_faults_nothing_is_thrown() => Assert.Equal(204, (await app.GetAsync("/probe/errors/none")).Status);

    [Theory]
    [InlineData("needed=5", 200, "\"5 \"")]
    [InlineData("needed=5&optional=6", 200, "\"5 6\"")]
    [InlineData("needed=5&optional=x", 200, "\"5 \"")]
    public async Task A_handler_may_read_the_query(string query, int status, string text)
    {
        var answer = await app.GetAsync($"/probe/query?{query}");

        Assert.Equal((status, text), (answer.Status, answer.Text));
    }

    [Theory]
    [InlineData("", "Query parameter was not found!")]
    [InlineData("?needed=x", "Unable to read value of query parameter!")]
    public async Task A_query_value_that_a_handler_needs_is_a_fault_where_it_is_missing(string query, string message)
    {
        var answer = await app.GetAsync($"/probe/query{query}");

        Assert.Equal((422, message), (answer.Status, answer.Json.GetProperty("errors").GetProperty("needed")[0].GetString()));
    }

    [Theory]
    [InlineData("nothing", 204, "", null)]
    [InlineData("response", 200, """{"greeting":"set"}""", "application/json")]
    [InlineData("201", 201, """{"greeting":"made"}""", "application/json")]
    [InlineData("204", 204, "", null)]
    [InlineData("202", 202, "", null)]
    [InlineData("string", 203, "plain", "text/plain; charset=utf-8")]
    [InlineData("result", 206, "result", "text/plain; charset=utf-8")]
    public async Task An_answer_is_sent_as_the_handler_says(string how, int status, string text, string? contentType)
    {
        var answer = await app.GetAsync($"/probe/sending/{how}");

        Assert.Equal((status, text, contentType), (answer.Status, answer.Text, answer.ContentType));
    }

    [Fact]
    public async Task An_endpoint_may_have_several_routes_and_verbs()
    {
        Assert.Equal("\"GET/probe/many/a\"", (await app.GetAsync("/probe/many/a")).Text);
        Assert.Equal("\"PUT/probe/many/b\"", (await app.SendAsync(HttpMethod.Put, "/probe/many/b")).Text);
        Assert.Equal(405, (await app.SendAsync(HttpMethod.Delete, "/probe/many/b")).Status);
    }

    [Theory]
    [InlineData("/probe/secure", 401)]
    [InlineData("/probe/many/a", 200)]
    public async Task Endpoints_are_closed_unless_they_say_otherwise(string path, int status)
        => Assert.Equal(status, (await app.GetAsync(path)).Status);

    [Fact]
    public async Task A_closed_endpoint_without_a_policy_takes_any_caller()
        => Assert.Equal("\"seen\"", (await app.GetAsync("/probe/secure", "Authorization: Bearer sk-team-a")).Text);
}
