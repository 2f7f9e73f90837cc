using System.Text;
using SaasLlm.Core.Llm.Answers;

namespace SaasLlm.Tests.Llm;

/// <summary>What of a provider's words a tenant reads.</summary>
public sealed class RejectionSentenceTests
{
    private const string Generic = "The request was rejected as invalid.";
    private const string Prefix = "litellm.BadRequestError: OpenAIException - ";

    [Theory]
    [InlineData(Prefix + "Invalid value: 'x'. Supported values are: 'a' and 'b'.\n\nLiteLLM: model group 'err-400' failed with the error above.", "Invalid value: 'x'. Supported values are: 'a' and 'b'.")]
    [InlineData(Prefix + "bad thing. Received Model Group=err-message-only-400\nAvailable Model Group Fallbacks=None", "bad thing.")]
    [InlineData(Prefix + "Unsupported parameter: 'max_tokens' is not supported with this model.", "Unsupported parameter: 'max_tokens' is not supported with this model.")]
    [InlineData(Prefix + "Invalid 'metadata': too long, together with 'user'.", "Invalid 'metadata': too long, together with 'user'.")]
    [InlineData(Prefix + "The model `acme-x` does not take images.", "the model does not take images.")]
    [InlineData(Prefix + "o1 does not take images, gpt-4o-2024 does.", "the model does not take images, the model does.")]
    [InlineData(Prefix + "My-Secret/Model-7 is strict; so is model-7.", "the model is strict; so is the model.")]
    [InlineData(Prefix + "Ask OpenAI at https://help.openai.com with req_abc123.", "Ask the provider at … with ….")]
    [InlineData(Prefix + "Key sk-abcdef is odd.", "Key … is odd.")]
    [InlineData(Prefix + "Error code: 400 - {'error': 'bad thing'}", Generic)]
    [InlineData("Mock testing request params are disabled on this proxy: an admin can enable them.", Generic)]
    [InlineData("/chat/completions: Missing required parameter: 'messages'.", Generic)]
    [InlineData(Prefix + "a\0b", Generic)]
    [InlineData(Prefix + "a\u001b[31mb", Generic)]
    [InlineData("", Generic)]
    public void Names_are_gone(string message, string shown)
        => Assert.Equal(shown, RejectionSentence.For(new(400, Encoding.UTF8.GetBytes(StubGateway.Error(message))), ["my-secret/model-7"]));

    [Fact]
    public void A_long_one_is_not_shown()
        => Assert.Equal(Generic, RejectionSentence.For(new(400, Encoding.UTF8.GetBytes(StubGateway.Error(Prefix + new string('y', 5000)))), []));
}
