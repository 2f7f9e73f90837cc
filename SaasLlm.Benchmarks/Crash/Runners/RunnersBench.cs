using System.Text.Json.Nodes;
using SaasLlm.Benchmarks.Crash.Load;
using SaasLlm.Benchmarks.Crash.Rig;

namespace SaasLlm.Benchmarks.Crash.Runners;

/// <summary>A webhook of the tenants.</summary>
/// <param name="TeamId">Null: of all the organization's teams.</param>
internal sealed record BenchWebhook(string Path, string? TeamId, string Secret);

/// <summary>An API, two job runners, the gateway that is watched, and the tenants' server for webhooks.</summary>
internal sealed class RunnersBench : IAsyncDisposable
{
    /// <summary>Fails for good, so that its jobs do.</summary>
    public const string BadGroup = "runners-bad";

    /// <summary>Whose first model is always down.</summary>
    public const string RescuedGroup = "runners-rescued";

    public const string GoodGroup = "runners-good";

    /// <summary>Of batches, which may have more calls than other jobs.</summary>
    public const string BatchType = "runners-batch";

    private const decimal Plenty = 1_000_000;

    private static readonly (string Group, string[] Models)[] s_groups =
    [
        (GoodGroup, ["gpt-4-turbo"]), (RescuedGroup, ["mock/500", "gpt-3.5-turbo"]), (BadGroup, ["mock/400"]),
    ];

    private static readonly string[] s_terms =
    [
        "credits_per_job = 1",
        "credits_per_job = 2.5",
        "budget_mode = 'consumption_usd', credits_per_dollar = 5000, credit_increment = 0.5, markup_percent = 20",
        "budget_mode = 'consumption_tokens', tokens_per_credit = 4",
    ];

    // Leases run out within seconds, so that what must heal does; a step that was begun by many runners that died is not its own fault here.
    private static readonly Dictionary<string, string> s_settings = new()
    {
        ["BackgroundJobs__Lease"] = "00:00:06",
        ["BackgroundJobs__Poll"] = "00:00:00.05",
        ["BackgroundJobs__RetryMin"] = "00:00:00.05",
        ["BackgroundJobs__RetryMax"] = "00:00:01",
        ["BackgroundJobs__ClaimsMax"] = "100",
        ["BackgroundJobs__TeamStepsMax"] = "8",
        ["Gateway__BreakerFailures"] = "1000",
        ["Webhooks__AllowHttp"] = "true",
        ["Webhooks__AllowedNetworks__0"] = "127.0.0.0/8",
        ["Webhooks__PollInterval"] = "00:00:00.05",
        ["Webhooks__Timeout"] = "00:00:04",
        ["Webhooks__Lease"] = "00:00:05",
        ["Webhooks__EndpointTriesMax"] = "16",
    };

    private RunnersBench(CrashRig rig, WatchedGateway gateway, WebhookReceiver receiver)
        => (Rig, Gateway, Receiver) = (rig, gateway, receiver);

    public CrashRig Rig { get; }

    public WatchedGateway Gateway { get; }

    public WebhookReceiver Receiver { get; }

    public Tenants Tenants { get; private set; } = new("runners", [], []);

    public IReadOnlyList<BenchWebhook> Webhooks { get; private set; } = [];

    public static async Task<RunnersBench> CreateAsync(CrashSite site, int seed, CancellationToken cancellation)
    {
        var gateway = await WatchedGateway.StartAsync(site.Gateway, seed, cancellation);
        var receiver = await WebhookReceiver.StartAsync(cancellation);
        var rig = await CrashRig.CreateAsync(
            site with { Gateway = gateway.Address }, s_settings, cancellation, [Service.ApiA, Service.JobRunner, Service.JobRunnerB]);
        return new(rig, gateway, receiver);
    }

    /// <summary>Makes the tenants, on an API that answers: two that pay by the job, two by what they use.</summary>
    public async Task CreateTenantsAsync()
    {
        const string organization = "runners-org";
        await PostAsync("/api/organizations/create", new() { ["organization_id"] = organization, ["name"] = "Runners" });
        await PostAsync("/api/job-types/create", new() { ["name"] = BatchType, ["max_calls"] = 100_000 });
        foreach (var (group, models) in s_groups)
        {
            await PostAsync("/api/model-groups/create", new()
            {
                ["group_name"] = group,
                ["display_name"] = group,
                ["models"] = new JsonArray([.. models.Select((model, priority) => new JsonObject { ["model_name"] = model, ["priority"] = priority })]),
            });
        }

        List<LoadTeam> teams = [];
        foreach (var terms in s_terms)
        {
            var team = $"runners-team-{teams.Count}";
            var made = await PostAsync("/api/teams/create", new()
            {
                ["organization_id"] = organization,
                ["team_id"] = team,
                ["team_alias"] = team,
                ["model_groups"] = new JsonArray([.. s_groups.Select(group => JsonValue.Create(group.Group))]),
                ["credits_allocated"] = Plenty,
            });
            await Rig.ExecuteAsync($"UPDATE team_credits SET {terms} WHERE team_id = '{team}'");
            teams.Add(new(team, (string)made["virtual_key"]!));
        }

        Tenants = new("runners", teams, [.. s_groups.Select(group => group.Group)]);
        Webhooks = [await RegisterAsync("/all", organization, null), await RegisterAsync("/one", organization, teams[0].TeamId)];
    }

    public async Task<JsonNode> PostAsync(string path, JsonObject? body = null)
    {
        var answer = await Rig.Apis[0].PostAsync(path, CrashRig.AdminKey, body);
        return answer.IsOk ? answer.Body! : throw new InvalidOperationException($"{path} answered {answer}");
    }

    public async ValueTask DisposeAsync()
    {
        await Rig.DisposeAsync();
        await Gateway.DisposeAsync();
        await Receiver.DisposeAsync();
    }

    private async Task<BenchWebhook> RegisterAsync(string path, string organization, string? team)
    {
        var made = await PostAsync("/api/webhooks/register", new()
        {
            ["organization_id"] = organization,
            ["team_id"] = team,
            ["url"] = new Uri(Receiver.Address, path).ToString(),
            ["events"] = new JsonArray("job.*"),
        });
        return new(path, team, (string)made["secret"]!);
    }
}
