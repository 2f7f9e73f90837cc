using System.ClientModel;
using System.Diagnostics;
using System.Text.Json.Nodes;
using OpenAI.Chat;
using OpenAI.Embeddings;

namespace SaasLlm.Tests.Sdks;

/// <summary>OpenAI's own library for .NET, as it is, against the running product.</summary>
public sealed class OpenAiDotNetTests(OpenAiDotNet sdk) : IClassFixture<OpenAiDotNet>
{
    private static readonly ChatTool s_weather = ChatTool.CreateFunctionTool(
        "get_weather", "The weather of a city", BinaryData.FromString("""{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}"""));

    [Fact]
    public async Task An_answer_says_what_was_used_and_charged()
    {
        var team = await sdk.TeamAsync();

        var result = await OpenAiDotNet.Chat(team, "plain").CompleteChatAsync([new UserChatMessage("one two")], new ChatCompletionOptions { EndUserId = "u-1" });

        var answer = result.Value;
        Assert.Equal(("Simulated answer to: one two", ChatFinishReason.Stop, team.Groups["good"]), (answer.Content[0].Text, answer.FinishReason, answer.Model));
        Assert.Equal((11, 7, 18), (answer.Usage.InputTokenCount, answer.Usage.OutputTokenCount, answer.Usage.TotalTokenCount));
        Assert.True(result.GetRawResponse().Headers.TryGetValue("x-credits-charged", out var charged));
        Assert.Equal("1", charged);
        Assert.Equal(["completed 1"], await team.JobsAsync("plain"));
    }

    [Fact]
    public async Task A_streams_pieces_add_up_and_its_usage_comes_once()
    {
        var team = await sdk.TeamAsync();

        var updates = new List<StreamingChatCompletionUpdate>();
        await foreach (var update in OpenAiDotNet.Chat(team, "stream").CompleteChatStreamingAsync("one two three"))
        {
            updates.Add(update);
        }

        Assert.Equal("Simulated answer to: one two three", string.Concat(updates.SelectMany(update => update.ContentUpdate).Select(part => part.Text)));
        Assert.Equal([ChatMessageRole.Assistant], updates.Select(update => update.Role).OfType<ChatMessageRole>());
        Assert.Equal([ChatFinishReason.Stop], updates.Select(update => update.FinishReason).OfType<ChatFinishReason>());
        Assert.Equal(18, Assert.Single(updates, update => update.Usage is not null).Usage.TotalTokenCount);
        Assert.Equal(["completed 1"], await team.JobsAsync("stream"));
    }

    [Fact]
    public async Task A_loop_of_tool_calls_ends_with_an_answer()
    {
        var team = await sdk.TeamAsync();
        var chat = OpenAiDotNet.Chat(team, "tools");
        var options = new ChatCompletionOptions { Tools = { s_weather } };
        var messages = new List<ChatMessage> { new UserChatMessage("Use get_weather.") };

        ChatCompletion asks = await chat.CompleteChatAsync(messages, options);
        var call = Assert.Single(asks.ToolCalls);
        messages.Add(new AssistantChatMessage(asks));
        messages.Add(new ToolChatMessage(call.Id, "It rains."));
        ChatCompletion answers = await chat.CompleteChatAsync(messages, options);

        Assert.Equal((ChatFinishReason.ToolCalls, "get_weather", """{"city":"sample"}"""), (asks.FinishReason, call.FunctionName, call.FunctionArguments.ToString()));
        Assert.Equal((ChatFinishReason.Stop, "Simulated answer to: It rains."), (answers.FinishReason, answers.Content[0].Text));
        Assert.Equal(["completed 1", "completed 1"], await team.JobsAsync("tools"));
    }

    [Fact]
    public async Task A_streams_tool_call_comes_in_pieces()
    {
        var team = await sdk.TeamAsync();

        var pieces = new List<StreamingChatToolCallUpdate>();
        await foreach (var update in OpenAiDotNet.Chat(team, "tools-stream").CompleteChatStreamingAsync([new UserChatMessage("Use get_weather.")], new ChatCompletionOptions { Tools = { s_weather } }))
        {
            pieces.AddRange(update.ToolCallUpdates);
        }

        Assert.Equal("get_weather", Assert.Single(pieces, piece => piece.FunctionName is not null).FunctionName);
        Assert.Equal("""{"city":"sample"}""", string.Concat(pieces.Select(piece => piece.FunctionArgumentsUpdate)));
    }

    [Fact]
    public async Task A_schema_shapes_the_answer()
    {
        var team = await sdk.TeamAsync();
        var format = ChatResponseFormat.CreateJsonSchemaFormat(
            "plan", BinaryData.FromString("""{"type":"object","properties":{"title":{"type":"string"}},"required":["title"],"additionalProperties":false}"""), jsonSchemaIsStrict: true);

        ChatCompletion answer = await OpenAiDotNet.Chat(team, "schema").CompleteChatAsync([new UserChatMessage("plan")], new ChatCompletionOptions { ResponseFormat = format });

        Assert.Equal("Simulated answer to: plan", (string)JsonNode.Parse(answer.Content[0].Text)!["title"]!);
    }

    [Fact]
    public async Task A_picture_goes_with_the_question()
    {
        var team = await sdk.TeamAsync();
        var message = new UserChatMessage(
            ChatMessageContentPart.CreateTextPart("What is it?"),
            ChatMessageContentPart.CreateImagePart(BinaryData.FromBytes([0x89, 0x50, 0x4e, 0x47]), "image/png", ChatImageDetailLevel.Low));

        ChatCompletion answer = await OpenAiDotNet.Chat(team, "vision").CompleteChatAsync(message);

        Assert.Equal("Simulated answer to: What is it?", answer.Content[0].Text);
    }

    [Fact]
    public async Task Vectors_come_back_as_they_are_sent()
    {
        var team = await sdk.TeamAsync();
        var vectors = OpenAiDotNet.Client(team, "vectors").GetEmbeddingClient(team.Groups["vectors"]);

        var answer = (await vectors.GenerateEmbeddingsAsync(["first text", "second text"], new EmbeddingGenerationOptions { Dimensions = 8 })).Value;

        Assert.Equal([8, 8], answer.Select(vector => vector.ToFloats().Length));
        Assert.NotEqual(answer[0].ToFloats().ToArray(), answer[1].ToFloats().ToArray());
        Assert.DoesNotContain(0f, answer[0].ToFloats().ToArray());
        Assert.Equal(["completed 1"], await team.JobsAsync("vectors"));
    }

    [Fact]
    public async Task The_models_are_the_teams_groups()
    {
        var team = await sdk.TeamAsync();
        var models = OpenAiDotNet.Client(team, "models").GetOpenAIModelClient();

        var listed = (await models.GetModelsAsync()).Value;
        var one = (await models.GetModelAsync(team.Groups["good"])).Value;

        Assert.Equal(team.Groups.Values.Order(StringComparer.Ordinal), listed.Select(model => model.Id).Order(StringComparer.Ordinal));
        Assert.Equal((team.Groups["good"], "saasllm"), (one.Id, one.OwnedBy));
    }

    [Theory]
    [InlineData("poor", 402, "credits.insufficient")]
    [InlineData("wrong", 401, "access.unauthorized")]
    [InlineData("unknown", 404, "model_group.not_found")]
    public async Task A_refusal_is_told_once(string why, int status, string code)
    {
        var team = await sdk.TeamAsync();
        var requests = new Requests();
        var chat = OpenAiDotNet.Chat(
            team, $"refused-{why}", why == "unknown" ? "no-such-group" : "good", why switch { "poor" => team.PoorKey, "wrong" => "sk-wrong", _ => null }, requests);

        var refused = await Assert.ThrowsAsync<ClientResultException>(() => chat.CompleteChatAsync("x"));

        Assert.Equal((status, 1), (refused.Status, requests.Count));
        Assert.Equal(code, (string)JsonNode.Parse(refused.GetRawResponse()!.Content)!["error"]!["code"]!);
        Assert.Contains(code, refused.Message, StringComparison.Ordinal);
        Assert.Empty(await team.JobsAsync($"refused-{why}"));
    }

    [Fact]
    public async Task A_rate_limit_is_waited_out()
    {
        var team = await sdk.TeamAsync();
        var requests = new Requests();
        var began = Stopwatch.GetTimestamp();

        ChatCompletion answer = await OpenAiDotNet.Chat(team, "limited", "limitedOnce", requests: requests).CompleteChatAsync("x");

        Assert.Equal(("Simulated answer to: x", 2), (answer.Content[0].Text, requests.Count));
        Assert.InRange(Stopwatch.GetElapsedTime(began), TimeSpan.FromSeconds(2.95), TimeSpan.FromSeconds(60));
        Assert.Equal(["failed 0", "completed 1"], await team.JobsAsync("limited"));
    }

    [Fact]
    public async Task A_repeat_after_a_failure_is_charged_once()
    {
        var team = await sdk.TeamAsync();
        var requests = new Requests();

        ChatCompletion answer = await OpenAiDotNet.Chat(team, "failing", "failingOnce", requests: requests).CompleteChatAsync("x");

        Assert.Equal(("Simulated answer to: x", 2), (answer.Content[0].Text, requests.Count));
        Assert.Equal(["failed 0", "completed 1"], await team.JobsAsync("failing"));
    }

    [Fact]
    public async Task A_stream_that_breaks_off_does_not_look_whole()
    {
        var team = await sdk.TeamAsync();
        var text = "";

        // It knows no errors in streams; what matters is that it stops.
        await Assert.ThrowsAsync<InvalidOperationException>(async () =>
        {
            await foreach (var update in OpenAiDotNet.Chat(team, "cut", "cut").CompleteChatStreamingAsync("one two three"))
            {
                text += string.Concat(update.ContentUpdate.Select(part => part.Text));
            }
        });

        Assert.StartsWith("Simulated", text, StringComparison.Ordinal);
        Assert.Equal(["failed 0"], await team.JobsAsync("cut"));
    }

    [Fact]
    public async Task A_stream_that_is_left_is_drained_and_charged()
    {
        var team = await sdk.TeamAsync();

        await foreach (var update in OpenAiDotNet.Chat(team, "left").CompleteChatStreamingAsync(string.Concat(Enumerable.Repeat("word ", 300))))
        {
            break;
        }

        Assert.Equal(["completed 1"], await team.JobsAsync("left"));
    }

    [Fact]
    public async Task Many_calls_of_one_job_are_charged_once()
    {
        var team = await sdk.TeamAsync();
        var job = await team.Tenant.OpenJobAsync();
        var chat = OpenAiDotNet.Chat(team, "joined", job: job);

        await chat.CompleteChatAsync("x");
        await foreach (var _ in chat.CompleteChatStreamingAsync("x"))
        {
        }

        var costs = (await team.Tenant.CompleteAsync(job)).Is(200)["costs"]!;
        Assert.Equal((2, 1m), ((int)costs["total_calls"]!, (decimal)costs["credits_charged"]!));
        Assert.Empty(await team.JobsAsync("joined"));
    }
}
