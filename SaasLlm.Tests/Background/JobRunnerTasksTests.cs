using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace SaasLlm.Tests.Background;

/// <summary>The running job runner's own tasks.</summary>
public sealed class JobRunnerTasksTests(Infrastructure.AppFixture app)
{
    // Operators' scripts and dashboards know them by these names.
    private static readonly string[] s_everyRunners =
    [
        "abandoned-attempts", "due-steps", "expire-jobs", "expire-lots", "lost-steps", "plans", "provision-gateway-keys", "reconciliation", "refill-credits",
        "relay-outbox",
    ];

    private static readonly string[] s_schedules =
        ["clean-gateway-keys", "forget-idempotency-keys", "forget-plans", "import-prices", "partitions", "recheck-usage", "retention", "roll-up-usage"];

    [Fact]
    public async Task Every_task_is_known_by_its_name_and_succeeds()
    {
        var product = await app.AppAsync();
        List<JsonNode> tasks = [];
        for (var tries = 0; ; tries++)
        {
            tasks = [.. (await product.Operator.GetFromJsonAsync<JsonObject>("/api/admin/tasks"))!["items"]!.AsArray().Select(task => task!)];
            if (tasks.Count > 0 && tasks.All(task => (string?)task["last_outcome"] == "succeeded"))
            {
                break;
            }

            Assert.True(tries < 900, string.Join('\n', tasks));
            await Task.Delay(200);
        }

        Assert.Equal(s_everyRunners, Names(isSchedule: false));
        Assert.Equal(s_schedules, Names(isSchedule: true));

        IEnumerable<string> Names(bool isSchedule) => tasks.Where(task => (bool)task["is_schedule"]! == isSchedule).Select(task => (string)task["name"]!);
    }
}
