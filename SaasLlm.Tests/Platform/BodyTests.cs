using System.Net;
using System.Text;

namespace SaasLlm.Tests.Platform;

/// <summary>Bodies as clients, and those who try, send them.</summary>
[Collection(PlatformCollection.Name)]
public sealed class BodyTests(PlatformApp app)
{
    [Fact]
    public async Task Every_kind_of_value_comes_back_in_its_plain_form()
    {
        var answer = await app.PostAsync("/platform/kinds", """
            {
              "text": "quote \" and é and 🙂", "credits": 149.250000, "count": 3, "flag": true,
              "some_id": "0197e2c5-1111-7000-8000-000000000000", "at": "2026-01-31T12:00:00.5+02:00",
              "items": [{"item_name": "a", "priority": 1}], "labels": {"k": "v"}, "metadata": {"n": 1.50}, "unknown": [1]
            }
            """);

        Assert.Equal((200, "application/json"), (answer.Status, answer.ContentType));
        Assert.Equal(
            """{"text":"quote \" and é and \uD83D\uDE42","credits":149.25,"count":3,"flag":true,"some_id":"0197e2c5-1111-7000-8000-000000000000","at":"2026-01-31T10:00:00.5Z","items":[{"item_name":"a","priority":1}],"labels":{"k":"v"},"metadata":{"n":1.50}}""",
            answer.Text);
    }

    [Theory]
    [InlineData("149.000000", "149")]
    [InlineData("100", "100")]
    [InlineData("0.000001", "0.000001")]
    [InlineData("0.0", "0")]
    [InlineData("1e3", "1000")]
    public async Task Credits_have_no_trailing_zeros(string sent, string returned)
        => Assert.Equal(returned, (await app.PostAsync("/platform/kinds", $$"""{"credits":{{sent}}}""")).Json.GetProperty("credits").GetRawText());

    // What is not JSON at all has no field to name.
    [Theory]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData("{")]
    [InlineData("}")]
    [InlineData("null")]
    [InlineData("nul")]
    [InlineData("[]")]
    [InlineData("42")]
    [InlineData("\"text\"")]
    [InlineData("{\"text\":\"a\"} trailing")]
    [InlineData("{\"text\":\"a\",}")]
    [InlineData("{text:1}")]
    [InlineData("{'text':'a'}")]
    [InlineData("// comment\n{}")]
    [InlineData("<xml/>")]
    [InlineData("{\"a\":{\"a\":NaN}}")]
    public async Task What_is_no_JSON_object_is_malformed(string body)
        => (await app.PostAsync("/platform/kinds", body)).AssertProblem(HttpStatusCode.BadRequest, "request.malformed");

    [Theory]
    [InlineData("""{"text":1}""", "text")]
    [InlineData("""{"text":{}}""", "text")]
    [InlineData("""{"text":["a"]}""", "text")]
    [InlineData("""{"credits":"5"}""", "credits")]
    [InlineData("""{"credits":1e400}""", "credits")]
    [InlineData("""{"credits":99999999999999999999999999999999}""", "credits")]
    [InlineData("""{"credits":true}""", "credits")]
    [InlineData("""{"credits":[]}""", "credits")]
    [InlineData("""{"count":1.5}""", "count")]
    [InlineData("""{"count":99999999999}""", "count")]
    [InlineData("""{"count":"3"}""", "count")]
    [InlineData("""{"flag":"true"}""", "flag")]
    [InlineData("""{"flag":1}""", "flag")]
    [InlineData("""{"some_id":"nope"}""", "some_id")]
    [InlineData("""{"some_id":7}""", "some_id")]
    [InlineData("""{"at":"yesterday"}""", "at")]
    [InlineData("""{"at":1700000000}""", "at")]
    [InlineData("""{"items":{}}""", "items")]
    [InlineData("""{"items":[1]}""", "items[0]")]
    [InlineData("""{"items":[{"item_name":"a","priority":1},{"item_name":"a","priority":"high"}]}""", "items[1].priority")]
    [InlineData("""{"labels":{"k":1}}""", "labels.k")]
    public async Task A_value_of_the_wrong_type_is_malformed_and_named(string body, string field)
    {
        var answer = await app.PostAsync("/platform/kinds", body);

        answer.AssertProblem(HttpStatusCode.BadRequest, "request.malformed");
        Assert.Equal([field], answer.RefusedFields());
    }

    [Theory]
    [InlineData("""{"text":"a","text":"b"}""")]
    [InlineData("""{"text":"a","TEXT":"b"}""")]
    [InlineData("""{"metadata":{"a":1,"a":2}}""")]
    [InlineData("""{"labels":{"a":"1","a":"2"}}""")]
    public async Task A_name_that_is_there_twice_is_malformed(string body)
        => (await app.PostAsync("/platform/kinds", body)).AssertProblem(HttpStatusCode.BadRequest, "request.malformed");

    // Postgres stores neither in a text.
    [Theory]
    [InlineData("""{"text":"a\u0000b"}""")]
    [InlineData("""{"text":"\ud800"}""")]
    [InlineData("""{"labels":{"k":"\u0000"}}""")]
    [InlineData("""{"labels":{"\u0000":"v"}}""")]
    [InlineData("""{"labels":{"\udc00":"v"}}""")]
    public async Task A_text_that_cannot_be_stored_is_malformed(string body)
        => (await app.PostAsync("/platform/kinds", body)).AssertProblem(HttpStatusCode.BadRequest, "request.malformed");

    [Theory]
    [InlineData("""{"a\ud800":1}""")]
    [InlineData("""{"\u0000":1}""")]
    public async Task A_name_that_is_no_field_never_breaks_anything(string body)
        => Assert.InRange((await app.PostAsync("/platform/kinds", body)).Status, 200, 400);

    [Theory]
    [InlineData("{\"text\":\"\u00ff\"}")]
    [InlineData("{\"\u00ff\":1}")]
    [InlineData("{\"labels\":{\"\u00ff\":\"v\"}}")]
    [InlineData("\u00ff")]
    public async Task Bytes_that_are_no_UTF8_are_malformed(string latin1)
    {
        using var body = new ByteArrayContent(Encoding.Latin1.GetBytes(latin1));
        body.Headers.ContentType = new("application/json");

        var answer = await app.SendAsync(HttpMethod.Post, "/platform/kinds", body);

        Assert.True(answer.Status is 200 or 400, answer.Text);
    }

    [Theory]
    [InlineData("""{"metadata":1}""")]
    [InlineData("""{"metadata":[]}""")]
    [InlineData("""{"metadata":"{}"}""")]
    [InlineData("""{"metadata":{"a":"\u0000"}}""")]
    [InlineData("""{"metadata":{"\u0000":1}}""")]
    [InlineData("""{"metadata":{"a":["\ud800"]}}""")]
    [InlineData("""{"metadata":{"a":1e999999}}""")]
    [InlineData("""{"metadata":{"a":1E-99999}}""")]
    public async Task Metadata_that_cannot_be_stored_is_invalid(string body)
    {
        var answer = await app.PostAsync("/platform/kinds", body);

        answer.AssertProblem(HttpStatusCode.UnprocessableEntity, "request.invalid");
        Assert.Equal(["metadata"], answer.RefusedFields());
    }

    [Fact]
    public async Task Metadata_is_bounded()
        => (await app.PostAsync("/platform/kinds", "{\"metadata\":{\"a\":\"" + new string('x', 16 * 1024) + "\"}}"))
            .AssertProblem(HttpStatusCode.UnprocessableEntity, "request.invalid");

    [Fact]
    public async Task Depth_is_bounded()
    {
        var deep = new string('[', 10_000) + new string(']', 10_000);

        (await app.PostAsync("/platform/kinds", "{\"metadata\":{\"a\":" + deep + "}}")).AssertProblem(HttpStatusCode.BadRequest, "request.malformed");
        (await app.PostAsync("/platform/kinds", $$"""{"unknown":{{deep}}}""")).AssertProblem(HttpStatusCode.BadRequest, "request.malformed");
    }

    [Fact]
    public async Task What_validation_finds_is_named_as_in_JSON()
    {
        var answer = await app.PostAsync("/platform/kinds", """{"credits":-1,"items":[{"item_name":"a","priority":1},{"item_name":"","priority":1}]}""");

        var problem = answer.AssertProblem(HttpStatusCode.UnprocessableEntity, "request.invalid");
        Assert.Equal(
            """{"credits":["must be between 0 and 1000000"],"items[1].item_name":["must not be empty"]}""",
            problem.GetProperty("errors").GetRawText());
    }

    [Fact]
    public async Task A_bare_array_is_a_body()
    {
        Assert.Equal("""["a","b"]""", (await app.PutAsync("/platform/names", """["a","b"]""")).Text);
        Assert.Equal("[]", (await app.PutAsync("/platform/names", "[]")).Text);
    }

    // FastEndpoints makes an empty list of it, which would empty what the list replaces.
    [Theory]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("[1]")]
    [InlineData("\"a\"")]
    public async Task Another_body_than_an_array_is_malformed(string body)
        => (await app.PutAsync("/platform/names", body)).AssertProblem(HttpStatusCode.BadRequest, "request.malformed");
}
