using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Npgsql;
using SaasLlm.Core.Llm;
using SaasLlm.Core.Pricing;
using SaasLlm.Tests.Access;
using SaasLlm.Tests.Infrastructure;
using SaasLlm.Tests.Llm;

namespace SaasLlm.Tests.Pricing;

/// <summary>Where the book's prices come from, on stores of its own, before a gateway that lists what the test says.</summary>
public sealed class PriceBookTests(AppFixture app) : IAsyncLifetime
{
    private const string TwoModels = """
        {"model_name":"a","model_info":{"input_cost_per_token":1.5e-07,"output_cost_per_token":6e-07,"cache_read_input_token_cost":7.5e-08}},
        {"model_name":"b","model_info":{"input_cost_per_token":1e-06,"output_cost_per_token":2e-06}}
        """;

    private StubGateway? _gateway;
    private string _postgres = "";
    private string _redis = "";

    public async ValueTask InitializeAsync()
    {
        var stores = await app.StoresAsync();
        (_postgres, _redis) = (await stores.CreateDatabaseAsync(), stores.Redis);
        _gateway = await StubGateway.StartAsync();
        Lists(TwoModels);
    }

    public async ValueTask DisposeAsync() => await _gateway!.DisposeAsync();

    [Fact]
    public async Task The_first_model_without_a_price_brings_the_gateways_list_in()
    {
        await using var replica = await StartAsync();
        var book = replica.Services.GetRequiredService<IPriceBook>();
        var before = await book.NewestAsync(default);

        Assert.Equal(new(0.15m, 0.6m, 0.075m), await book.FindAsync("a", before, default));
        Assert.Equal(new(1m, 2m), await book.FindAsync("b", before, default));
        Assert.Null(await book.FindAsync("c", before, default));

        Assert.True(book.IsKnown);
        Assert.Equal(before + 1, await book.NewestAsync(default));
        Assert.Single(_gateway!.Requests);
    }

    // On a fresh database the built-in list has a price at once, and the gateway's may be another.
    [Fact]
    public async Task The_gateways_list_is_read_before_a_call_is_priced_by_the_built_in_one()
    {
        Lists("""{"model_name":"gpt-4o","model_info":{"input_cost_per_token":7e-06,"output_cost_per_token":8e-06}}""");
        await using var replica = await StartAsync();
        var book = replica.Services.GetRequiredService<IPriceBook>();
        var before = await book.NewestAsync(["a"], default);
        Assert.Empty(_gateway!.Requests);
        Assert.Equal(new(2.5m, 10, 1.25m), await book.FindAsync("gpt-4o", before, default));

        var version = await book.NewestAsync(["gpt-4o"], default);

        Assert.Equal(before + 1, version);
        Assert.Equal(new(7m, 8m), await book.FindAsync("gpt-4o", version, default));
        Assert.Equal(version, await book.NewestAsync(["gpt-4o"], default));
        Assert.Single(_gateway!.Requests);
    }

    [Fact]
    public async Task Where_the_gateways_list_cannot_be_read_the_built_in_one_stands_in()
    {
        _gateway!.Answer = (http, _) => StubGateway.Json(http, 500, "gone");
        await using var replica = await StartAsync();
        var book = replica.Services.GetRequiredService<IPriceBook>();

        var version = await book.NewestAsync(["gpt-4o"], default);

        Assert.Equal(new(2.5m, 10, 1.25m), await book.FindAsync("gpt-4o", version, default));
    }

    [Fact]
    public async Task A_list_that_hangs_is_waited_for_once()
    {
        _gateway!.Answer = (http, _) => StubGateway.Json(http, 500, "gone");
        await using var replica = await StartAsync();
        var book = replica.Services.GetRequiredService<IPriceBook>();
        var version = await book.NewestAsync(["gpt-4o"], default);
        var hangs = new TaskCompletionSource();
        _gateway.Answer = async (http, _) =>
        {
            await hangs.Task;
            await StubGateway.Json(http, 500, "gone");
        };
        ((StandingTime)replica.Services.GetRequiredService<TimeProvider>()).Move(TimeSpan.FromSeconds(3));

        await Eventually.IsSoAsync(
            async () => await book.NewestAsync(["gpt-4o"], default).AsTask().WaitAsync(Eventually.Patience) == version && _gateway.Requests.Count == 2,
            () => "The list was not read again");

        hangs.SetResult();
    }

    [Fact]
    public async Task A_model_priced_by_length_is_named_and_has_no_price_until_the_operator_states_one()
    {
        Lists("""
            {"model_name":"a","model_info":{"input_cost_per_token":1.5e-07,"output_cost_per_token":6e-07}},
            {"model_name":"long","model_info":{"input_cost_per_token":1e-06,"output_cost_per_token":1e-06,"input_cost_per_token_above_128k_tokens":2e-06}}
            """);
        await using var replica = await StartAsync();
        var book = replica.Services.GetRequiredService<IPriceBook>();

        var taken = (await replica.Operator.PutAsync("/api/prices/import")).Is(200);

        Assert.Equal("a", (string)Assert.Single(taken["added"]!.AsArray())!["model_name"]!);
        Assert.Equal(
            """[{"model_name":"long","reason":"Its price depends on the length of the prompt."}]""", taken["skipped"]!.ToJsonString());
        Assert.Null(await book.FindAsync("long", (long)taken["version"]!, default));
        (await replica.Operator.PutAsync("/api/prices/models/long", """{"input_usd_per_million":2,"output_usd_per_million":2}""")).Is(200);
        Assert.Null((await replica.Operator.PutAsync("/api/prices/import?remove_missing=true")).Is(200)["version"]);
        Assert.Equal(new(2m, 2m), await book.FindAsync("long", (long)taken["version"]! + 1, default));
    }

    [Theory]
    [InlineData(500, "gone")]
    [InlineData(200, "not json")]
    [InlineData(200, """{"data":7}""")]
    public async Task A_list_that_cannot_be_read_is_unknown_not_empty(int status, string body)
    {
        _gateway!.Answer = (http, _) => StubGateway.Json(http, status, body);
        await using var replica = await StartAsync();
        var book = replica.Services.GetRequiredService<IPriceBook>();

        Assert.Null(await book.FindAsync("a", 0, default));
        Assert.False(book.IsKnown);
        (await replica.Operator.PutAsync("/api/prices/import")).Is(503, "llm.gateway_unavailable");
    }

    [Fact]
    public async Task A_changed_price_waits_for_the_operator_and_an_import_takes_only_differences()
    {
        await using var replica = await StartAsync();
        var gateway = replica.Services.GetRequiredService<GatewayPrices>();
        var book = replica.Services.GetRequiredService<IPriceBook>();
        Assert.True(await gateway.TakeAsync());
        var first = await book.NewestAsync(default);
        Lists("""
            {"model_name":"a","model_info":{"input_cost_per_token":3e-07,"output_cost_per_token":6e-07}},
            {"model_name":"c","model_info":{"input_cost_per_token":0,"output_cost_per_token":0}}
            """);

        Assert.True(await gateway.TakeAsync());
        Assert.Equal(new(0.15m, 0.6m, 0.075m), await book.FindAsync("a", long.MaxValue, default));
        Assert.Equal(new(0m, 0m), await book.FindAsync("c", long.MaxValue, default));

        var preview = (await replica.Operator.PutAsync("/api/prices/import?dry_run=true")).Is(200);
        Assert.Equal(
            ApiAnswer.Compact("""
                {"dry_run":true,"version":null,"unchanged":1,"added":[],
                 "changed":[{"model_name":"a",
                   "before":{"input_usd_per_million":0.15,"output_usd_per_million":0.6,"cached_input_usd_per_million":0.075,"cache_write_usd_per_million":null,"reasoning_usd_per_million":null,"request_usd":0},
                   "after":{"input_usd_per_million":0.3,"output_usd_per_million":0.6,"cached_input_usd_per_million":null,"cache_write_usd_per_million":null,"reasoning_usd_per_million":null,"request_usd":0}}],
                 "missing":[{"model_name":"b",
                   "before":{"input_usd_per_million":1,"output_usd_per_million":2,"cached_input_usd_per_million":null,"cache_write_usd_per_million":null,"reasoning_usd_per_million":null,"request_usd":0},
                   "after":null}],"skipped":[]}
                """),
            preview.Without());
        var taken = (await replica.Operator.PutAsync("/api/prices/import")).Is(200);
        Assert.Equal(first + 2, (long)taken["version"]!);
        Assert.Null((await replica.Operator.PutAsync("/api/prices/import")).Is(200)["version"]);

        Assert.Equal(new(0.3m, 0.6m), await book.FindAsync("a", first + 2, default));
        Assert.Equal(new(0.15m, 0.6m, 0.075m), await book.FindAsync("a", first + 1, default));
        Assert.Equal(new(1m, 2m), await book.FindAsync("b", first + 2, default));
        (await replica.Operator.PutAsync("/api/prices/import?remove_missing=true")).Is(200);
        Assert.Null(await book.FindAsync("b", first + 3, default));
    }

    [Fact]
    public async Task The_last_known_list_outlives_the_gateway()
    {
        await using (var replica = await StartAsync())
        {
            Assert.NotNull(await replica.Services.GetRequiredService<IPriceBook>().FindAsync("a", 0, default));
        }

        _gateway!.Answer = (http, _) => StubGateway.Json(http, 500, "gone");
        await using var later = await StartAsync();
        Assert.Equal(new(0.15m, 0.6m, 0.075m), await later.Services.GetRequiredService<IPriceBook>().FindAsync("a", 0, default));
    }

    [Fact]
    public async Task Configuration_wins_over_the_gateway_and_is_a_version_of_the_book()
    {
        await using var gatewayOnly = await StartAsync();
        Assert.True(await gatewayOnly.Services.GetRequiredService<GatewayPrices>().TakeAsync());
        await using var configured = await StartAsync(
            ("Pricing:Models:a:InputUsdPerMillion", "7"), ("Pricing:Models:a:OutputUsdPerMillion", "8"), ("Pricing:Models:a:RequestUsd", "0.001"));
        var book = configured.Services.GetRequiredService<IPriceBook>();
        var newest = await book.NewestAsync(default);

        Assert.Equal(new(7m, 8m, Request: 0.001m), await book.FindAsync("a", newest, default));
        Assert.Equal(new(0.15m, 0.6m, 0.075m), await book.FindAsync("a", newest - 1, default));
        Assert.Equal("configuration", (string)(await configured.Operator.GetAsync("/api/prices/models/a")).Is(200)["current"]!["source"]!);

        // The same configuration again says nothing new; one that names another model takes the first back.
        await using (await StartAsync(("Pricing:Models:a:InputUsdPerMillion", "7"), ("Pricing:Models:a:OutputUsdPerMillion", "8"), ("Pricing:Models:a:RequestUsd", "0.001")))
        {
            Assert.Equal(newest, await VersionAsync());
        }

        await using var other = await StartAsync(("Pricing:Models:z:InputUsdPerMillion", "1"), ("Pricing:Models:z:OutputUsdPerMillion", "1"));
        Assert.Equal(newest + 1, await VersionAsync());
        Assert.Equal(new(0.15m, 0.6m, 0.075m), await other.Services.GetRequiredService<IPriceBook>().FindAsync("a", newest + 1, default));
    }

    [Fact]
    public async Task Versions_that_are_made_together_follow_one_another_without_a_gap()
    {
        await using var first = await StartAsync();
        await using var second = await StartAsync();
        var before = await VersionAsync();

        await Task.WhenAll(Enumerable.Range(0, 20).Select(index => (index % 2 == 0 ? first : second).Operator.PutAsync(
            $"/api/prices/models/m{index}", $$"""{"input_usd_per_million":{{index}},"output_usd_per_million":1}""")));

        Assert.Equal(before + 20, await VersionAsync());
        Assert.Equal(20L, await ScalarAsync($"SELECT count(*) FROM price_versions WHERE version > {before}"));
    }

    [Fact]
    public async Task Nothing_that_was_said_can_be_changed_in_the_database()
    {
        await using var replica = await StartAsync();
        (await replica.Operator.PutAsync("/api/prices/models/a", """{"input_usd_per_million":1,"output_usd_per_million":1}""")).Is(200);

        foreach (var sql in new[]
        {
            "UPDATE model_prices SET input_usd_per_million = 0", "DELETE FROM model_prices", "UPDATE price_versions SET reason = ''", "TRUNCATE model_prices",
        })
        {
            Assert.Equal("23001", (await Assert.ThrowsAsync<PostgresException>(() => ScalarAsync(sql))).SqlState);
        }
    }

    private void Lists(string models)
        => _gateway!.Answer = (http, _) => StubGateway.Json(http, 200, $$"""{"data":[{{models}}]}""");

    private async Task<long> VersionAsync() => (long)(await ScalarAsync("SELECT coalesce(max(version), 0) FROM price_versions"))!;

    private async Task<object?> ScalarAsync(string sql)
    {
        await using var source = NpgsqlDataSource.Create(_postgres);
        await using var command = source.CreateCommand(sql);
        return await command.ExecuteScalarAsync();
    }

    private Task<Replica> StartAsync(params (string Name, string Value)[] settings)
    {
        var all = ApiFixture.Settings(_postgres, _redis);
        all["Gateway:BaseUrl"] = _gateway!.BaseUrl;
        foreach (var (name, value) in settings)
        {
            all[name] = value;
        }

        // Reading the gateway's list is given three seconds, and stating configured prices five: here, as long as they take.
        return Replica.StartAsync(all, services => services
            .Replace(ServiceDescriptor.Singleton<ITeamGatewayKeys>(new FakeGatewayKeys()))
            .Replace(ServiceDescriptor.Singleton<TimeProvider>(new StandingTime(pauseMax: TimeSpan.FromSeconds(2)))));
    }
}
