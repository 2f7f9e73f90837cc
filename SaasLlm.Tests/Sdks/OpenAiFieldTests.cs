using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http;
using SaasLlm.ApiService.OpenAi;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.Core.Llm;
using SaasLlm.Core.Llm.Requests;
using SaasLlm.Core.ModelGroups;

namespace SaasLlm.Tests.Sdks;

/// <summary>Every request field that OpenAI's own typings have is known here: passed on, kept, or refused for a reason of its own.</summary>
public sealed partial class OpenAiFieldTests
{
    [Theory]
    [InlineData("chat/completions/completions.d.ts", "ChatCompletionCreateParamsBase", LlmRoute.Chat, false, 30)]
    [InlineData("responses/responses.d.ts", "ResponseCreateParamsBase", LlmRoute.Responses, false, 25)]
    [InlineData("embeddings.d.ts", "EmbeddingCreateParams", LlmRoute.Embeddings, false, 5)]
    [InlineData("completions.d.ts", "CompletionCreateParamsBase", LlmRoute.Chat, true, 15)]
    public async Task No_field_is_unheard_of(string file, string type, LlmRoute route, bool isLegacy, int fieldsMin)
    {
        var fields = FieldsOf(await File.ReadAllTextAsync(Path.Combine(await NodeModules.FolderAsync(), "node_modules", "openai", "resources", file)), type);

        var unheardOf = new List<string>();
        foreach (var field in fields)
        {
            if (await FailureAsync(field, route, isLegacy) is { } said && said.StartsWith("Unrecognized", StringComparison.Ordinal))
            {
                unheardOf.Add(field);
            }
        }

        Assert.Equal([], unheardOf);
        Assert.InRange(fields.Count, fieldsMin, 100);
        Assert.StartsWith("Unrecognized", await FailureAsync("something_new", route, isLegacy), StringComparison.Ordinal);
    }

    // Of the wrong kind for any field: it is the name that counts.
    private static async Task<string?> FailureAsync(string field, LlmRoute route, bool isLegacy)
    {
        var context = new DefaultHttpContext();
        context.Features.Set(new OpenAiSurface("Any"));
        context.Features.Set(Caller.Operator);
        context.Request.Body = new MemoryStream(Encoding.UTF8.GetBytes($$"""{"{{field}}":0.5}"""));
        var read = await ModelRequest.ReadAsync(context, mayStream: route != LlmRoute.Embeddings);
        if (!(isLegacy && read.Failure is null ? PromptRequest.ToChat(read.Value) : read).TryGet(out var request, out var failure))
        {
            return failure.Message;
        }

        return OutgoingBody.Read(request.Fields, GroupSettings.Read("{}"), route, "team", null).Failure?.Message;
    }

    // Members of the interface itself stand four spaces in.
    private static List<string> FieldsOf(string typings, string type)
    {
        var from = typings.IndexOf($"export interface {type} {{", StringComparison.Ordinal);
        Assert.True(from >= 0, $"{type} is not there any more");
        var body = Comment().Replace(typings[from..typings.IndexOf("\n}", from, StringComparison.Ordinal)], "");
        return [.. Member().Matches(body).Select(member => member.Groups[1].Value)];
    }

    [GeneratedRegex(@"/\*.*?\*/", RegexOptions.Singleline)]
    private static partial Regex Comment();

    [GeneratedRegex(@"^    (\w+)\??:", RegexOptions.Multiline)]
    private static partial Regex Member();
}
