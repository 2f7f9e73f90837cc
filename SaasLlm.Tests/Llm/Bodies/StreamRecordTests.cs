using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using SaasLlm.Core.Llm.Bodies;

namespace SaasLlm.Tests.Llm.Bodies;

/// <summary>Streams put together: what a client that adds the parts up would have.</summary>
public sealed class StreamRecordTests
{
    [Fact]
    public void A_chats_chunks_become_its_completion()
    {
        var record = new ChunksRecord();
        Chunk(record, """{"index":0,"delta":{"role":"assistant","content":"Hel"},"logprobs":{"content":[{"token":"Hel","logprob":-1}],"refusal":null},"finish_reason":null}""");
        Chunk(record, """{"index":1,"delta":{"role":"assistant","refusal":"I am"},"finish_reason":null}""");
        Chunk(record, """{"index":0,"delta":{"content":"lo \"é"},"logprobs":{"content":[{"token":"lo","logprob":-2}],"refusal":null},"finish_reason":null}""", """{"index":1,"delta":{"refusal":" not."},"finish_reason":null}""");
        Chunk(record, """{"index":1,"delta":{},"finish_reason":"content_filter"}""");
        Chunk(record, """{"index":0,"delta":{},"finish_reason":"stop"}""");

        AssertSame(
            """
            {"id":"chatcmpl-1","object":"chat.completion","created":5,"model":"G","choices":[
              {"index":0,"message":{"role":"assistant","content":"Hello \"é"},"logprobs":{"content":[{"token":"Hel","logprob":-1},{"token":"lo","logprob":-2}],"refusal":null},"finish_reason":"stop"},
              {"index":1,"message":{"role":"assistant","refusal":"I am not."},"finish_reason":"content_filter"}]}
            """, record.Whole(default));
    }

    [Fact]
    public void Calls_of_tools_are_added_up_by_their_place()
    {
        var record = new ChunksRecord();
        Chunk(record, """{"index":0,"delta":{"role":"assistant","tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"f","arguments":""}}]},"finish_reason":null}""");
        Chunk(record, """{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\":"}},{"index":1,"id":"call_2","type":"custom","custom":{"name":"g","input":"x"}}]},"finish_reason":null}""");
        Chunk(record, """{"index":0,"delta":{"tool_calls":[{"index":1,"custom":{"input":"y"}},{"index":0,"function":{"arguments":"1}"}}]},"finish_reason":"tool_calls"}""");

        AssertSame(
            """
            {"id":"chatcmpl-1","object":"chat.completion","created":5,"model":"G","choices":[{"index":0,"message":{"role":"assistant","tool_calls":[
              {"id":"call_1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}},
              {"id":"call_2","type":"custom","custom":{"name":"g","input":"xy"}}]},"finish_reason":"tool_calls"}]}
            """, record.Whole(default));
    }

    [Fact]
    public void Its_bytes_are_those_of_what_was_said_and_go_on_counting_when_it_is_forgotten()
    {
        var (record, forgotten) = (new ChunksRecord(), new ChunksRecord());
        foreach (var one in new[] { record, forgotten })
        {
            Chunk(one, """{"index":0,"delta":{"role":"assistant","content":"12345"},"finish_reason":null}""");
        }

        forgotten.Forget();
        foreach (var one in new[] { record, forgotten })
        {
            Chunk(one, """{"index":0,"delta":{"content":"67890é"},"finish_reason":"stop"}""");
        }

        Assert.Equal((12, 12), (record.Bytes, forgotten.Bytes));
    }

    [Fact]
    public void Of_a_response_the_last_event_is_kept_and_without_one_the_events_that_came()
    {
        var record = new EventsRecord();
        Assert.Equal(JsonValueKind.Undefined, record.Whole(default).ValueKind);
        record.Add(Encoding.UTF8.GetBytes("event: response.created\ndata: {\"n\":1}\n\nevent: response.in_progress\ndata: {\"n\":\"data: \"}\n\n"));
        record.Add(Encoding.UTF8.GetBytes("event: response.output_text.delta\ndata: {\"n\":3}\n\n"));

        Assert.Equal("""[{"n":1},{"n":"data: "},{"n":3}]""", record.Whole(default).GetRawText());
        Assert.Equal("""{"id":"resp_1"}""", record.Whole(JsonElement.Parse("""{"type":"response.completed","response":{"id":"resp_1"}}""")).GetRawText());
    }

    private static void Chunk(ChunksRecord record, params string[] choices) => record.Add(Encoding.UTF8.GetBytes(
        $$"""{"id":"chatcmpl-1","object":"chat.completion.chunk","created":5,"model":"G","choices":[{{string.Join(',', choices)}}]}"""));

    private static void AssertSame(string expected, JsonElement found)
        => Assert.True(JsonNode.DeepEquals(JsonNode.Parse(expected), JsonNode.Parse(found.GetRawText())), found.GetRawText());
}
