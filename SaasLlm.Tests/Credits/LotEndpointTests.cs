using SaasLlm.Tests.Access;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.Credits;

[Collection(ApiTests.Name)]
public sealed class LotEndpointTests(ApiFixture api)
{
    [Fact]
    public async Task A_lot_shows_what_it_was_granted_with_and_what_is_left()
    {
        var team = await api.CreateTeamAsync(0);
        var own = api.First.As(team.Key);
        var lot = await api.GrantAsync(team, """
            {"credits":10.5,"source":"promotion","reference":"spring","priority":5,"expires_at":"2126-03-01T00:00:00Z","cost_basis_usd":1.25}
            """);
        await own.OpenJobAsync();
        await own.CompleteJobAsync();
        var path = $"/api/credits/teams/{team.Id}/lots";
        var shown = new ApiAnswer(200, (await own.GetAsync(path)).Is(200)["items"]!.AsArray().Single()!.ToJsonString());
        Assert.Equal(
            $$"""{"lot_id":"{{lot}}","source":"promotion","reference":"spring","priority":5,"expires_at":"2126-03-01T00:00:00Z","granted":10.5,"remaining":9.5,"reserved":1,"available":8.5}""",
            shown.Without("created_at"));
        var full = (await api.Operator.GetAsync(path)).Is(200)["items"]!.AsArray().Single()!;
        Assert.Equal(1.25m, (decimal)full["cost_basis_usd"]!);
    }

    [Fact]
    public async Task A_cost_basis_that_is_not_known_is_null_to_the_operator()
    {
        var team = await api.CreateTeamAsync(1);
        var lot = (await api.Operator.GetAsync($"/api/credits/teams/{team.Id}/lots")).Is(200)["items"]!.AsArray().Single()!.AsObject();
        Assert.True(lot.TryGetPropertyValue("cost_basis_usd", out var basis) && basis is null);
    }

    [Fact]
    public async Task Newest_first_by_pages_and_filtered()
    {
        var team = await api.CreateTeamAsync(1);
        var own = api.First.As(team.Key);
        var path = $"/api/credits/teams/{team.Id}/lots";
        List<string> lots = [(string)(await own.GetAsync(path))["items"]![0]!["lot_id"]!];
        foreach (var source in new[] { "purchase", "promotion", "purchase" })
        {
            await WallClock.NextIdAsync();
            lots.Add(await api.GrantAsync(team, $$"""{"credits":1,"source":"{{source}}"}"""));
        }

        // Priority 50 all, none expires: the first lot, of the allocation, burns.
        await own.CompleteJobAsync();

        var first = (await own.GetAsync($"{path}?limit=3")).Is(200);
        Assert.Equal([lots[3], lots[2], lots[1]], Ids(first));
        Assert.Equal([lots[0]], Ids((await own.GetAsync($"{path}?cursor={(string)first["next_cursor"]!}")).Is(200)));
        Assert.Equal(lots, Ids((await own.GetAsync($"{path}?sort=lot_id")).Is(200)));
        Assert.Equal([lots[3], lots[1]], Ids((await own.GetAsync($"{path}?source=purchase")).Is(200)));
        Assert.Equal([lots[0]], Ids((await own.GetAsync($"{path}?open=false")).Is(200)));
        Assert.Equal([lots[3], lots[2], lots[1]], Ids((await own.GetAsync($"{path}?open=true&sort=-lot_id")).Is(200)));
    }

    // The order of the list is the order in which the ledger burns, whatever the pages.
    [Fact]
    public async Task Open_lots_are_listed_in_the_order_they_burn()
    {
        var team = await api.CreateTeamAsync(1);
        var own = api.First.As(team.Key);
        foreach (var grant in new[]
                 {
                     """{"credits":1,"priority":90}""",
                     """{"credits":1,"expires_at":"2126-03-01T00:00:00Z"}""",
                     """{"credits":1,"expires_at":"2126-02-01T00:00:00Z"}""",
                     """{"credits":1,"priority":10}""",
                     """{"credits":1,"priority":10,"expires_at":"2126-02-01T00:00:00Z"}""",
                     """{"credits":1,"expires_at":"2126-02-01T00:00:00Z"}""",
                 })
        {
            await api.GrantAsync(team, grant);
        }

        var path = $"/api/credits/teams/{team.Id}/lots?open=true";
        var listed = Ids((await own.GetAsync(path)).Is(200));
        List<string> paged = [];
        for (string? cursor = ""; cursor is not null;)
        {
            var page = (await own.GetAsync($"{path}&limit=2{cursor}")).Is(200);
            paged.AddRange(Ids(page));
            cursor = (string?)page["next_cursor"] is { } next ? $"&cursor={next}" : null;
        }

        for (var n = 0; n < 7; n++)
        {
            await own.CompleteJobAsync();
        }

        var entries = (await own.GetAsync($"/api/credits/teams/{team.Id}/transactions?kind=deduction&sort=sequence")).Is(200)["items"]!.AsArray();
        var burned = entries.Select(entry => (string)entry!["lots"]!.AsArray().Single()!["lot_id"]!).ToArray();
        Assert.Equal(7, burned.Distinct().Count());
        Assert.Equal(burned, listed);
        Assert.Equal(burned, paged);
        Assert.Empty((await own.GetAsync(path)).Is(200)["items"]!.AsArray());
    }

    [Fact]
    public async Task Refuses_what_is_not_valid()
    {
        var team = await api.CreateTeamAsync(1);
        await api.GrantAsync(team, """{"credits":1}""");
        var path = $"/api/credits/teams/{team.Id}/lots";
        var burnCursor = (string)(await api.Operator.GetAsync($"{path}?open=true&limit=1")).Is(200)["next_cursor"]!;
        foreach (var (query, field) in new[]
                 {
                     ("source=x", "source"), ("sort=priority", "sort"), ("sort=burn_order", "sort"), ("sort=burn_order&open=false", "sort"), ("open=x", "open"),
                     ("cursor=YQ", "cursor"), ("open=true&cursor=YQ", "cursor"), ($"cursor={burnCursor}", "cursor"), ("limit=0", "limit"), ("limit=201", "limit"),
                 })
        {
            Assert.Equal([field], (await api.Operator.GetAsync($"{path}?{query}")).Is(422, "request.invalid").RefusedFields);
        }

        (await api.Operator.GetAsync("/api/credits/teams/nobody/lots")).Is(404, "team.not_found");
        (await api.Operator.GetAsync("/api/credits/teams/nobody/lots?open=true")).Is(404, "team.not_found");
        var other = await api.CreateTeamAsync(1);
        (await api.First.As(other.Key).GetAsync(path)).Is(404, "team.not_found");
    }

    private static string[] Ids(ApiAnswer page) => [.. page["items"]!.AsArray().Select(item => (string)item!["lot_id"]!)];
}
