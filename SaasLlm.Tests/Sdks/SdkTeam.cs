using SaasLlm.Tests.Access;
using SaasLlm.Tests.EndToEnd;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.Sdks;

/// <summary>
/// A team whose groups play what a client must cope with, and a second team without credits. Every SDK has one of its own: the models
/// that fail once do so for this SDK.
/// </summary>
internal sealed class SdkTeam(Uri api, Tenant tenant, Tenant poor, IReadOnlyDictionary<string, string> groups)
{
    // The one that the provider sent with so short a wait: three seconds.
    private const string RateLimit = "inference/errors/upstream-empty-429";

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private static int s_count;

    /// <summary>The API's address, without a slash at its end.</summary>
    public string Url { get; } = api.ToString().TrimEnd('/');

    public Tenant Tenant => tenant;

    public string Key => tenant.VirtualKey;

    public string PoorKey => poor.VirtualKey;

    /// <summary>By what they play: <c>good</c> (11 tokens in, 7 out), <c>fallback</c>, <c>limitedOnce</c>, <c>failingOnce</c>, <c>cut</c>, <c>vectors</c>.</summary>
    public IReadOnlyDictionary<string, string> Groups => groups;

    public static async Task<SdkTeam> CreateAsync(AppFixture fixture)
    {
        var app = await fixture.AppAsync();
        var number = Interlocked.Increment(ref s_count);
        var tenant = await Tenant.CreateAsync(fixture, 1_000, "mock/usage-11-7");
        var poor = await Tenant.CreateAsync(fixture, 0, "mock/usage-11-7");
        var (limited, failing) = ($"mock/usage-21-{number}", $"mock/usage-22-{number}");
        var groups = new Dictionary<string, string>
        {
            ["good"] = tenant.Group,
            ["fallback"] = await tenant.AddGroupAsync("fallback", "mock/500", "mock/usage-11-7"),
            ["limitedOnce"] = await tenant.AddGroupAsync("limited", limited),
            ["failingOnce"] = await tenant.AddGroupAsync("failing", failing),
            ["cut"] = await tenant.AddGroupAsync("cut", "mock/cut-at-4"),
            ["vectors"] = await tenant.AddEmbeddingGroupAsync("text-embedding-3-small"),
        };
        await tenant.GrantAsync([.. groups.Values]);
        await poor.GrantAsync([tenant.Group]);
        await tenant.WaitForKeyAsync(fixture);
        await app.ArmAsync($$"""{"model":"{{limited}}","recording":"{{RateLimit}}"}""");
        await app.ArmAsync($$"""{"model":"{{failing}}","alias":"503"}""");
        return new(app.Api.BaseAddress!, tenant, poor, groups);
    }

    /// <summary>How the jobs of that type ended and what each cost, oldest first; waits for one that is still drained.</summary>
    public async Task<string[]> JobsAsync(string type)
    {
        using var limit = new CancellationTokenSource(s_patience);
        while (true)
        {
            var items = (await tenant.Team.GetAsync($"/api/teams/{tenant.TeamId}/jobs?job_type={type}&sort=job_id")).Is(200)["items"]!.AsArray();
            string[] jobs = [.. items.Select(job => $"{job!["status"]} {job["credits_charged"]}")];
            if (limit.IsCancellationRequested || jobs.All(job => !job.StartsWith("in_progress", StringComparison.Ordinal) && !job.StartsWith("pending", StringComparison.Ordinal)))
            {
                return jobs;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(100), CancellationToken.None);
        }
    }
}
