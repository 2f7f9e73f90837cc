namespace SaasLlm.Tests.Infrastructure;

/// <summary>The running product.</summary>
public sealed class TestApp
{
    internal TestApp(Stores stores, Uri api, Uri simulator)
    {
        (Stores, Simulator) = (stores, simulator);
        Api = new HttpClient { BaseAddress = api };
        Operator = new HttpClient { BaseAddress = api };
        Operator.DefaultRequestHeaders.Add("X-Admin-Key", AppFixture.AdminKey);
    }

    public Stores Stores { get; }

    /// <summary>The API, without credentials.</summary>
    public HttpClient Api { get; }

    /// <summary>The API, as the operator.</summary>
    public HttpClient Operator { get; }

    /// <summary>The simulator's base address; its key is <see cref="AppFixture.MasterKey"/>.</summary>
    public Uri Simulator { get; }

    /// <summary>A client with a team's virtual key.</summary>
    public HttpClient Team(string virtualKey)
    {
        var client = new HttpClient { BaseAddress = Api.BaseAddress };
        client.DefaultRequestHeaders.Authorization = new("Bearer", virtualKey);
        return client;
    }

    /// <summary>A further API process on the same stores and gateway, or on what <paramref name="settings"/> say.</summary>
    /// <param name="settings">Environment variables, for example <c>ConnectionStrings__redis</c>.</param>
    public Task<ApiProcess> StartApiAsync(IReadOnlyDictionary<string, string>? settings = null)
    {
        var environment = new Dictionary<string, string>
        {
            ["ConnectionStrings__saasllm"] = Stores.Postgres,
            ["ConnectionStrings__redis"] = Stores.Redis,
            ["Gateway__Kind"] = "litellm",
            ["Gateway__BaseUrl"] = Simulator.ToString().TrimEnd('/'),
            ["Gateway__MasterKey"] = AppFixture.MasterKey,
            ["Access__AdminKey"] = AppFixture.AdminKey,
            ["Encryption__Key"] = AppFixture.EncryptionKey,
        };
        foreach (var (name, value) in settings ?? new Dictionary<string, string>())
        {
            environment[name] = value;
        }

        return ApiProcess.StartAsync(environment);
    }
}
