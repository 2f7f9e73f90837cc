using System.Text.Json.Nodes;
using Npgsql;

namespace SaasLlm.Benchmarks.Crash.Runners;

/// <summary>Whether every event arrived, under one id, as it was raised, and nothing else did.</summary>
internal static class ArrivalChecks
{
    /// <summary>In whatever transaction the connection is.</summary>
    public static async Task<IReadOnlyList<string>> FindAsync(NpgsqlConnection connection, IReadOnlyList<BenchWebhook> webhooks, IReadOnlyCollection<Arrival> arrivals)
    {
        var raised = await RaisedAsync(connection);
        return [.. webhooks.SelectMany(webhook => Find(
            webhook, [.. raised.Where(message => webhook.TeamId is null || webhook.TeamId == message.TeamId)], arrivals.Where(arrival => arrival.Path == webhook.Path).ToLookup(arrival => arrival.Id)))];
    }

    private static IEnumerable<string> Find(BenchWebhook webhook, IReadOnlyList<Message> raised, ILookup<string, Arrival> arrived)
    {
        var known = raised.Select(message => message.Id).ToHashSet();
        foreach (var arrival in arrived.Where(same => !known.Contains(same.Key)))
        {
            yield return $"event arrived that nobody raised: {webhook.Path} {arrival.Key}";
        }

        foreach (var message in raised)
        {
            var arrivals = arrived[message.Id].ToList();
            if (!arrivals.Exists(arrival => arrival.WasAccepted))
            {
                yield return $"event never arrived: {webhook.Path} {message}";
                continue;
            }

            if (arrivals.Select(arrival => arrival.Body).Distinct().Count() > 1)
            {
                yield return $"event arrived with several bodies: {webhook.Path} {message}";
            }

            if (JsonNode.Parse(arrivals[0].Body) is not { } body || (string?)body["type"] != message.Topic || !JsonNode.DeepEquals(body["data"], message.Payload))
            {
                yield return $"event arrived otherwise than it was raised: {webhook.Path} {message}: {arrivals[0].Body}";
            }

            if (!arrivals.TrueForAll(arrival => arrival.IsSignedBy(webhook.Secret)))
            {
                yield return $"event arrived with a wrong signature: {webhook.Path} {message}";
            }
        }
    }

    private static async Task<IReadOnlyList<Message>> RaisedAsync(NpgsqlConnection connection)
    {
        await using var command = new NpgsqlCommand("SELECT message_id::text, team_id, topic, payload::text FROM outbox WHERE topic LIKE 'job.%'", connection);
        await using var rows = await command.ExecuteReaderAsync();
        List<Message> raised = [];
        while (await rows.ReadAsync())
        {
            raised.Add(new(rows.GetString(0), rows.GetString(1), rows.GetString(2), JsonNode.Parse(rows.GetString(3))!));
        }

        return raised;
    }

    private sealed record Message(string Id, string TeamId, string Topic, JsonNode Payload)
    {
        public override string ToString() => $"{TeamId} {Topic} {Id}";
    }
}
