using System.Net;
using SaasLlm.Tests.Platform;

namespace SaasLlm.Tests.FastEndpoints;

/// <summary>Held against the drop-in and against the package alike.</summary>
[Collection(PlatformCollection.Name)]
public sealed class BindingTests(PlatformApp app)
{
    [Fact]
    public async Task Route_and_query_overwrite_the_body()
    {
        var answer = await app.PostAsync(
            "/probe/binding/from-route/only?body_or_query=from-query&other-name=renamed",
            """{"only_body":"from-body","anywhere":"from-body","body_or_query":"from-body","renamed":"by its own name"}""");

        Assert.Equal(200, answer.Status);
        Assert.Equal("from-body", answer.Json.GetProperty("only_body").GetString());
        Assert.Equal("from-route", answer.Json.GetProperty("anywhere").GetString());
        Assert.Equal("from-query", answer.Json.GetProperty("body_or_query").GetString());
        Assert.Equal("renamed", answer.Json.GetProperty("renamed").GetString());
        Assert.Equal("only", answer.Json.GetProperty("only_route").GetString());
    }

    [Fact]
    public async Task The_query_overwrites_the_route()
        => Assert.Equal(
            "from-query",
            (await app.PostAsync("/probe/binding/from-route/x?anywhere=from-query", "{}")).Json.GetProperty("anywhere").GetString());

    [Fact]
    public async Task A_route_parameter_takes_nothing_from_the_query()
        => Assert.Equal(
            "only",
            (await app.PostAsync("/probe/binding/x/only?only_route=other", "{}")).Json.GetProperty("only_route").GetString());

    [Fact]
    public async Task Query_values_are_parsed_by_their_type()
    {
        var answer = await app.PostAsync(
            "/probe/binding/x/y?only_query=7&names=a&names=b&day=monday&since=2026-01-31T12:00:00Z", "{}", "X-Probe: from-header");

        Assert.Equal(7, answer.Json.GetProperty("only_query").GetInt32());
        Assert.Equal("""["a","b"]""", answer.Json.GetProperty("names").GetRawText());
        Assert.Equal(1, answer.Json.GetProperty("day").GetInt32());
        Assert.Equal("2026-01-31T12:00:00Z", answer.Json.GetProperty("since").GetString());
        Assert.Equal("from-header", answer.Json.GetProperty("header").GetString());
    }

    [Theory]
    [InlineData("only_query=seven", "only_query")]
    [InlineData("only_query=99999999999", "only_query")]
    [InlineData("day=someday", "day")]
    [InlineData("day=99", "day")]
    [InlineData("since=yesterday", "since")]
    public async Task A_query_value_of_the_wrong_type_is_a_fault_of_its_field(string query, string field)
    {
        var answer = await app.PostAsync($"/probe/binding/x/y?{query}", "{}");

        answer.AssertProblem(HttpStatusCode.UnprocessableEntity, "request.invalid");
        Assert.Equal([field], answer.RefusedFields());
        Assert.Equal($"'{field}' has a value of the wrong type", answer.Json.GetProperty("errors").GetProperty(field)[0].GetString());
    }

    [Fact]
    public async Task An_empty_query_value_of_a_nullable_field_is_null()
    {
        var answer = await app.PostAsync("/probe/binding/x/y?only_query=", """{"only_query":5}""");

        Assert.Equal("null", answer.Json.GetProperty("only_query").GetRawText());
    }

    [Fact]
    public async Task A_required_header_is_required()
    {
        Assert.Equal("""{"needed":5}""", (await app.GetAsync("/probe/header", "X-Needed: 5")).Text);

        foreach (var answer in new[] { await app.GetAsync("/probe/header"), await app.GetAsync("/probe/header?needed=5") })
        {
            answer.AssertProblem(HttpStatusCode.UnprocessableEntity, "request.invalid");
            Assert.Equal(["x-needed"], answer.RefusedFields());
        }
    }

    [Fact]
    public async Task A_property_may_be_the_whole_body()
    {
        Assert.Equal("""{"name":"a","values":[1,2]}""", (await app.PutAsync("/probe/from-body/a", "[1,2]")).Text);

        var answer = await app.PutAsync("/probe/from-body/a", """[1,"two"]""");
        answer.AssertProblem(HttpStatusCode.BadRequest, "request.malformed");
        Assert.Equal(["[1]"], answer.RefusedFields());
    }

    [Fact]
    public async Task Route_values_bind_without_an_attribute()
        => Assert.Equal("""{"greeting":"Hello Ada"}""", (await app.GetAsync("/probe/executing/Ada")).Text);

    [Fact]
    public async Task A_post_whose_fields_all_come_from_the_route_needs_no_body()
    {
        Assert.Equal("\"a\"", (await app.SendAsync(HttpMethod.Post, "/probe/route-only/a")).Text);
        Assert.Equal("\"done\"", (await app.SendAsync(HttpMethod.Post, "/probe/bodyless")).Text);
    }

    [Fact]
    public async Task A_post_with_a_body_needs_a_content_type()
        => (await app.SendAsync(HttpMethod.Post, "/probe/validated"))
            .AssertProblem(HttpStatusCode.UnsupportedMediaType, "request.unsupported_media_type");
}
