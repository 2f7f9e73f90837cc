using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Llm;
using SaasLlm.Core.Llm.Calls;
using SaasLlm.Core.Llm.Gateway;
using SaasLlm.Core.Llm.Limits;
using SaasLlm.Core.Llm.Streaming;
using SaasLlm.Core.Pricing;
using SaasLlm.Core.Teams;

namespace SaasLlm.Tests.Llm;

/// <summary>The real call loop and client before a stub gateway, with a ledger that remembers.</summary>
internal sealed class CallerBench : IDisposable
{
    public static readonly string[] TwoModels = ["secret-model-7", "other-model-8"];

    private const string Hello = """{"messages":[{"role":"user","content":"Say hello."}]}""";

    private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false }) { Timeout = Timeout.InfiniteTimeSpan };
    private readonly IOptions<GatewayOptions> _options;

    public CallerBench(
        string baseUrl, string[]? models = null, Action<GatewayOptions>? configure = null, bool isPriced = true, ICallLimiter? limiter = null,
        Action<NamedGatewaysOptions>? gateways = null, TimeProvider? clock = null)
    {
        var time = clock ?? TimeProvider.System;
        Groups = new(models ?? TwoModels);
        var options = new GatewayOptions { BaseUrl = baseUrl, MasterKey = "sk-master", BreakerFailures = 1000 };
        configure?.Invoke(options);
        _options = Options.Create(options);
        foreach (var model in isPriced ? models ?? TwoModels : [])
        {
            Prices.ByVersion[(model, 0)] = new(10, 30, 1);
        }

        var telemetry = new LlmTelemetry(Metrics, new(Metrics));
        Breaker = new(_options, time);
        var pricer = new GroupPricer(Prices, _options, telemetry, NullLogger<GroupPricer>.Instance);
        var sender = new AttemptSender(
            new CompletionClient(_http, _options, time), new StreamClient(_http, _options, time), _options, telemetry, time);
        var runner = new CallRunner(
            Ledger, sender, new(Ledger, time, NullLogger<CallSaver>.Instance), Keys, Breaker, pricer, telemetry, time,
            NullLogger<CallRunner>.Instance);
        var named = new NamedGatewaysOptions();
        gateways?.Invoke(named);
        var chooser = new ModelChooser(new(_options, Options.Create(named)), pricer, Keys, telemetry, NullLogger<ModelChooser>.Instance);
        Caller = new LlmCaller(
            Groups, pricer, chooser,
            new(Options.Create(new SaasLlm.Core.Llm.Keys.EncryptionOptions { Key = "encryption-key-of-the-tests-0123" })),
            runner, limiter ?? new NoLimits(), Recorder, Running, _options, time);
    }

    /// <summary>What its calls measured.</summary>
    public MetricLog Metrics { get; } = new();

    public FakeLedger Ledger { get; } = new();

    public FakeGroups Groups { get; }

    public FakeKeys Keys { get; } = new();

    public FakePrices Prices { get; } = new();

    /// <summary>Keeps nothing unless told.</summary>
    public FakeRecorder Recorder { get; } = new();

    public RunningCalls Running { get; } = new();

    public CircuitBreaker Breaker { get; }

    public ILlmCaller Caller { get; }

    /// <summary>Whose key calls.</summary>
    public TeamCaller? Team { get; set; }

    /// <summary>Where limits stood at each call.</summary>
    public List<RateStatus> Measured { get; } = [];

    /// <summary>Given each answer before it is billed.</summary>
    public Func<LlmAnswer, CancellationToken, Task<bool>>? Answered { get; set; }

    public Task<Result<LlmAnswer>> CallAsync(
        string body = Hello, OpenJob? job = null, LlmRoute route = LlmRoute.Chat, CallClock? clock = null, CancellationToken cancellation = default)
        => Caller.CallAsync(NewCall(body, job, route) with { Clock = clock }, cancellation);

    public Task<Result<LlmStream>> StreamAsync(TimeSpan? patience = null, OpenJob? job = null, string body = Hello)
        => Caller.StreamAsync(NewCall(body, job, LlmRoute.Chat), patience ?? TimeSpan.FromSeconds(30), default);

    public void Dispose()
    {
        _http.Dispose();
        Metrics.Dispose();
    }

    private LlmCall NewCall(string body, OpenJob? job, LlmRoute route)
        => new(Team?.TeamId ?? "team_1", job?.JobId ?? JobId.New(TimeProvider.System), "ResumeAgent", "test", JsonElement.Parse(body), job, route)
        {
            Caller = Team,
            Measured = Measured.Add,
            Answered = Answered,
        };

    private sealed class NoLimits : ICallLimiter
    {
        public Task<Result<CallAdmission?>> AdmitAsync(LlmCall call, CallId callId, CallSize size, TimeSpan deadline, CancellationToken cancellation)
            => Task.FromResult<Result<CallAdmission?>>((CallAdmission?)null);
    }
}
