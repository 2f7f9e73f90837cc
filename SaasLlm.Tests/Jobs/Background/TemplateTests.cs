using System.Text.Json;
using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using SaasLlm.Core.Jobs.Background;

namespace SaasLlm.Tests.Jobs.Background;

/// <summary>Texts with placeholders: what is put in stays a text.</summary>
public sealed class TemplateTests
{
    [Fact]
    public void Placeholders_are_replaced_where_they_stand()
        => Assert.Equal(
            """{"messages":[{"role":"user","content":"A: alpha, B: [1,2], all: {\"b\":[1,2]}, braces: {{ }}"}],"temperature":0.5,"stop":["alpha"]}""",
            Filled("""{"messages":[{"role":"user","content":"A: {{steps.a.content}}, B: {{ input.b }}, all: {{input}}, braces: {{{{ }}"}],"temperature":0.5,"stop":["{{steps.a.content}}"]}""", "alpha", """{"b":[1,2]}"""));

    [Theory]
    [InlineData("\"}],\"model\":\"gpt-9\",\"x\":[{\"a\":\"")]
    [InlineData("{{input}} {{steps.a.content}} {{{{")]
    [InlineData("\\\" \\u0000 \n \t \u2028 <script>")]
    public void What_is_put_in_is_a_text_and_nothing_of_it_is_read_again(string given)
    {
        var filled = JsonNode.Parse(Filled("""{"messages":[{"role":"user","content":"<{{steps.a.content}}>"}]}""", given, "1"))!.AsObject();

        Assert.Equal(["messages"], filled.Select(member => member.Key));
        Assert.Equal($"<{given}>", (string)filled["messages"]![0]!["content"]!);
    }

    // Whatever is put in: the body has the same members, and the text is what stands around it and it.
    [Fact]
    public void Filling_keeps_the_bodys_structure()
        => Check.One(Config.QuickThrowOnFailure.WithMaxTest(500), Prop.ForAll<NonNull<string>, NonNull<string>>((around, given) =>
        {
            var (text, value) = (Unicode(around.Get), Unicode(given.Get));
            var body = JsonSerializer.SerializeToElement(new { a = text.Replace("{{", "{{{{", StringComparison.Ordinal) + " {{steps.a.content}} " + text.Replace("{{", "{{{{", StringComparison.Ordinal), b = new[] { text.Length } });
            var filled = BodyTemplate.Fill(body, _ => value).Value;
            return filled.EnumerateObject().Select(member => member.Name).SequenceEqual(["a", "b"])
                && filled.GetProperty("a").GetString() == $"{text} {value} {text}"
                && filled.GetProperty("b")[0].GetInt32() == text.Length;
        }));

    // Written with its braces doubled, any text means itself.
    [Fact]
    public void An_escaped_text_is_itself()
        => Check.One(Config.QuickThrowOnFailure.WithMaxTest(1000), Prop.ForAll(
            Gen.Elements("{", "}", "{{", "}}", "{{{", "input", "steps.a.content", " ", "x").ListOf().Select(pieces => string.Concat(pieces)).ToArbitrary(),
            text => TemplateText.Parse(text.Replace("{{", "{{{{", StringComparison.Ordinal)) is { Fault: null } parsed
                && parsed.Parts.All(part => part.Placeholder is null) && string.Concat(parsed.Parts.Select(part => part.Text)) == text));

    [Theory]
    [InlineData("{{")]
    [InlineData("{{input")]
    [InlineData("{{}}")]
    [InlineData("{{steps.a}}")]
    [InlineData("{{steps.a.content.x}}")]
    [InlineData("{{inputs}}")]
    [InlineData("{{input.}}")]
    [InlineData("{{{input}}}")]
    public void What_is_no_placeholder_is_said(string text) => Assert.NotNull(TemplateText.Parse(text).Fault);

    [Fact]
    public void What_is_put_in_is_bounded_alone_and_together()
    {
        var once = JsonElement.Parse("""{"a":"{{input}}"}""");
        var often = JsonElement.Parse($$"""{"a":"{{string.Concat(Enumerable.Repeat("{{input}}", 17))}}"}""");
        var fits = new string('x', BodyTemplate.PlaceholderBytesMax);

        Assert.Null(BodyTemplate.Fill(once, _ => fits).Failure);
        Assert.Equal("background.template_too_long", BodyTemplate.Fill(once, _ => fits + "x").Failure?.Code);
        Assert.Equal("background.template_too_long", BodyTemplate.Fill(once, _ => fits[1..] + "ä").Failure?.Code);
        Assert.Equal("background.template_too_long", BodyTemplate.Fill(often, _ => fits).Failure?.Code);
        Assert.Null(BodyTemplate.Fill(JsonElement.Parse($$"""{"a":"{{string.Concat(Enumerable.Repeat("{{input}}", 16))}}"}"""), _ => fits).Failure);
    }

    private static string Unicode(string text) => new([.. text.Where(letter => !char.IsSurrogate(letter))]);

    private static string Filled(string body, string content, string input)
    {
        var given = JsonElement.Parse(input);
        var filled = BodyTemplate.Fill(JsonElement.Parse(body), placeholder => placeholder.Step is null ? BatchInput.TextAt(given, placeholder.Path)! : content);
        return JsonNode.Parse(filled.Value.GetRawText())!.ToJsonString(new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
    }
}
