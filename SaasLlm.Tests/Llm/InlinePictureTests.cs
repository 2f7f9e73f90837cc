using System.Text;
using System.Text.Json;
using SaasLlm.Core.Llm;
using SaasLlm.Core.Llm.Requests;
using SaasLlm.Core.ModelGroups;

namespace SaasLlm.Tests.Llm;

/// <summary>What a prompt with pictures in it is estimated at.</summary>
public sealed class InlinePictureTests
{
    private const int Megabyte = 1024 * 1024;

    // What base64 has and JSON's writer escapes: each '+' goes out as six bytes.
    private static readonly string s_base64 = string.Concat(Enumerable.Repeat("AB+/", Megabyte / 3));

    public static TheoryData<LlmRoute, string> Pictures => new()
    {
        { LlmRoute.Chat, """{"messages":[{"role":"user","content":[{"type":"text","text":"What is it?"},{"type":"image_url","image_url":{"url":"PICTURE","detail":"high"}}]}]}""" },
        { LlmRoute.Chat, """{"messages":[{"role":"user","content":[{"type":"image_url","image_url":"PICTURE"}]}]}""" },
        { LlmRoute.Responses, """{"input":[{"role":"user","content":[{"type":"input_text","text":"What is it?"},{"type":"input_image","image_url":"PICTURE"}]}]}""" },
        { LlmRoute.Responses, """{"input":[{"type":"function_call_output","call_id":"c","output":[{"type":"input_image","image_url":"PICTURE"}]}]}""" },
    };

    [Theory]
    [MemberData(nameof(Pictures))]
    public void A_large_picture_counts_as_the_dearest_there_is(LlmRoute route, string body)
    {
        var nothing = Tokens(route, body.Replace("PICTURE", "data:image/png;base64,", StringComparison.Ordinal));
        var picture = Tokens(route, body.Replace("PICTURE", "data:image/png;base64," + s_base64, StringComparison.Ordinal));

        Assert.InRange(picture - InlinePictures.TokensMax, 0, nothing);
        // A client's JSON may escape the slash.
        Assert.Equal(picture, Tokens(route, body.Replace("PICTURE", @"data:image\/png;base64," + s_base64, StringComparison.Ordinal)));
    }

    [Fact]
    public void Each_picture_counts()
    {
        var part = $$$"""{"type":"image_url","image_url":{"url":"data:image/png;base64,{{{s_base64}}}"}}""";

        Assert.InRange(Tokens(LlmRoute.Chat, $$"""{"messages":[{"role":"user","content":[{{part}},{{part}}]},{"role":"user","content":[{{part}}]}]}"""),
            3 * InlinePictures.TokensMax, (3 * InlinePictures.TokensMax) + 200);
    }

    [Theory]
    [MemberData(nameof(Pictures))]
    public void A_small_picture_counts_by_its_bytes(LlmRoute route, string body)
    {
        var nothing = Tokens(route, body.Replace("PICTURE", "data:image/png;base64,", StringComparison.Ordinal));

        Assert.Equal(nothing + 10_000, Tokens(route, body.Replace("PICTURE", "data:image/png;base64," + new string('A', 30_000), StringComparison.Ordinal)));
        Assert.Equal(nothing + 40_000, Tokens(route, body.Replace("PICTURE", "data:image/png;base64," + new string('A', 120_000), StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData(LlmRoute.Chat, """{"messages":[{"role":"user","content":"data:image/png;base64,TEXT"}]}""")]
    [InlineData(LlmRoute.Chat, """{"messages":[{"role":"user","content":[{"type":"text","text":"data:image/png;base64,TEXT"}]}]}""")]
    [InlineData(LlmRoute.Chat, """{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://example.com/TEXT"}}]}]}""")]
    [InlineData(LlmRoute.Chat, """{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:text/plain,TEXT"}}]}]}""")]
    [InlineData(LlmRoute.Chat, """{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA","detail":"TEXT"}}]}]}""")]
    [InlineData(LlmRoute.Chat, """{"messages":[{"role":"user","content":[{"type":"file","file":{"file_data":"data:image/png;base64,TEXT"}}]}]}""")]
    [InlineData(LlmRoute.Chat, """{"messages":[{"role":"user","name":"data:image/png;base64,TEXT","content":"x"}]}""")]
    [InlineData(LlmRoute.Responses, """{"input":"data:image/png;base64,TEXT"}""")]
    [InlineData(LlmRoute.Responses, """{"input":[{"role":"user","content":[{"type":"input_text","text":"data:image/png;base64,TEXT"}]}]}""")]
    [InlineData(LlmRoute.Responses, """{"input":[{"role":"user","content":[{"type":"input_file","file_data":"data:image/png;base64,TEXT"}]}]}""")]
    public void Text_counts_by_its_bytes_wherever_it_stands(LlmRoute route, string body)
        => Assert.True(Tokens(route, body.Replace("TEXT", new string('A', Megabyte), StringComparison.Ordinal)) > Megabyte / 3);

    private static int Tokens(LlmRoute route, string body)
        => OutgoingBody.Read(JsonElement.Parse(Encoding.UTF8.GetBytes(body)), GroupSettings.Read("{}"), route, "team", null).Value.PromptTokens;
}
