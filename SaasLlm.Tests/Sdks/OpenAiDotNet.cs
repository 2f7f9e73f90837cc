using System.ClientModel;
using System.ClientModel.Primitives;
using OpenAI;
using OpenAI.Chat;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.Sdks;

/// <summary>OpenAI's own library for .NET, and a team for it.</summary>
public sealed class OpenAiDotNet(AppFixture fixture)
{
    private readonly Lazy<Task<SdkTeam>> _team = new(() => SdkTeam.CreateAsync(fixture));

    internal Task<SdkTeam> TeamAsync() => _team.Value;

    /// <summary>A client whose jobs are labelled with the scenario's name.</summary>
    internal static ChatClient Chat(SdkTeam team, string jobType, string group = "good", string? key = null, Requests? requests = null, string? job = null)
        => Client(team, jobType, key, requests, job).GetChatClient(team.Groups.GetValueOrDefault(group, group));

    internal static OpenAIClient Client(SdkTeam team, string jobType, string? key = null, Requests? requests = null, string? job = null)
    {
        var options = new OpenAIClientOptions { Endpoint = new Uri($"{team.Url}/v1") };
        options.AddPolicy(new Header("X-Job-Type", jobType), PipelinePosition.PerCall);
        if (job is not null)
        {
            options.AddPolicy(new Header("X-Job-Id", job), PipelinePosition.PerCall);
        }

        if (requests is not null)
        {
            options.AddPolicy(requests, PipelinePosition.PerTry);
        }

        return new(new ApiKeyCredential(key ?? team.Key), options);
    }

    private sealed class Header(string name, string value) : PipelinePolicy
    {
        public override void Process(PipelineMessage message, IReadOnlyList<PipelinePolicy> pipeline, int currentIndex)
        {
            message.Request.Headers.Set(name, value);
            ProcessNext(message, pipeline, currentIndex);
        }

        public override async ValueTask ProcessAsync(PipelineMessage message, IReadOnlyList<PipelinePolicy> pipeline, int currentIndex)
        {
            message.Request.Headers.Set(name, value);
            await ProcessNextAsync(message, pipeline, currentIndex);
        }
    }
}

/// <summary>Counts what the library sends: its own retries are requests of ours.</summary>
internal sealed class Requests : PipelinePolicy
{
    private int _count;

    public int Count => _count;

    public override void Process(PipelineMessage message, IReadOnlyList<PipelinePolicy> pipeline, int currentIndex)
    {
        Interlocked.Increment(ref _count);
        ProcessNext(message, pipeline, currentIndex);
    }

    public override async ValueTask ProcessAsync(PipelineMessage message, IReadOnlyList<PipelinePolicy> pipeline, int currentIndex)
    {
        Interlocked.Increment(ref _count);
        await ProcessNextAsync(message, pipeline, currentIndex);
    }
}
