using System.Diagnostics;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Npgsql;
using SaasLlm.Benchmarks.Gateway.Servers;
using SaasLlm.Benchmarks.Stack;

namespace SaasLlm.Benchmarks.Jobs;

/// <summary>Jobs that are submitted to the API and run by its job runner.</summary>
internal sealed class SubmittedLoad(BenchmarkStack stack, IReadOnlyList<string> keys) : IDisposable
{
    /// <summary>With room for the largest batch.</summary>
    private const string JobType = "runners-bench";

    private const int Callers = 8;

    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(10);

    private readonly HttpClient _http = new() { BaseAddress = stack.Api, Timeout = TimeSpan.FromMinutes(2) };
    private readonly NpgsqlDataSource _source = NpgsqlDataSource.Create(stack.Postgres);

    public async Task PrepareAsync(CancellationToken cancellation)
    {
        using var answer = await SendAsync(BenchmarkStack.AdminKey, "/api/job-types/create", new { name = JobType, max_calls = 100_000 }, cancellation);
    }

    /// <summary>Submits jobs for later, of two steps each, and then lets all of them begin; from then to the end of the last.</summary>
    public async Task<TimeSpan> RunManyAsync(int jobs, CancellationToken cancellation)
    {
        await Parallel.ForAsync(0, jobs, new ParallelOptions { MaxDegreeOfParallelism = Callers, CancellationToken = cancellation }, async (index, stop) =>
            await SubmitAsync(index, new { job_type = JobType, run_at = Later, steps = new[] { Step("parse", "Parse this."), Step("rate", "Rate {{steps.parse.content}}") } }, stop));
        return await RunAsync(cancellation);
    }

    /// <summary>The same with one batch.</summary>
    public async Task<TimeSpan> RunBatchAsync(int inputs, CancellationToken cancellation)
    {
        await SubmitAsync(0, Batch(inputs, Later), cancellation);
        return await RunAsync(cancellation);
    }

    /// <summary>
    /// A team submits jobs of one step, each when the one before it has ended; how long each waited for its turn, in milliseconds, sorted.
    /// </summary>
    /// <param name="others">Inputs of a batch that another team has queued; 0: the system is idle otherwise. With a batch it goes on while that runs.</param>
    public async Task<IReadOnlyList<double>> WaitsAsync(int others, int jobs, CancellationToken cancellation)
    {
        var batch = others > 0 ? await SubmitAsync(0, Batch(others, null), cancellation) : (Guid?)null;
        List<Guid> submitted = [];
        while (submitted.Count < jobs && (batch is null || !await HasEndedAsync(batch.Value, cancellation)))
        {
            submitted.Add(await SubmitAsync(1, new { job_type = JobType, steps = new[] { Step("only", "Say something.") } }, cancellation));
            while (!await HasEndedAsync(submitted[^1], cancellation))
            {
                await Task.Delay(5, cancellation);
            }
        }

        await EndAsync(cancellation);
        await using var command = _source.CreateCommand("""
            SELECT (extract(epoch FROM s.started_at - b.created_at) * 1000)::float8 FROM background_jobs b JOIN background_steps s USING (team_id, job_id)
             WHERE b.job_id = ANY ($1) ORDER BY 1
            """);
        command.Parameters.Add(new() { Value = submitted.ToArray() });
        await using var rows = await command.ExecuteReaderAsync(cancellation);
        List<double> waits = [];
        while (await rows.ReadAsync(cancellation))
        {
            waits.Add(rows.GetDouble(0));
        }

        return waits;
    }

    /// <summary>Steps that did not succeed.</summary>
    public async Task<long> UnsuccessfulAsync(CancellationToken cancellation)
    {
        await using var command = _source.CreateCommand("SELECT count(*) FROM background_steps WHERE status <> 'succeeded'");
        return (long)(await command.ExecuteScalarAsync(cancellation))!;
    }

    public void Dispose()
    {
        _http.Dispose();
        _source.Dispose();
    }

    private static DateTimeOffset Later => TimeProvider.System.GetUtcNow().AddDays(1);

    private static object Step(string name, string prompt)
        => new { name, purpose = name, model_group = UpstreamVerb.QuickModel, messages = new[] { new { role = "user", content = prompt } } };

    private static object Batch(int inputs, DateTimeOffset? runAt) => new
    {
        job_type = JobType,
        run_at = runAt,
        max_parallelism = 256,
        batch = new { step = Step("shared", "Rate {{input}}."), inputs = Enumerable.Range(0, inputs).ToArray() },
    };

    private async Task<TimeSpan> RunAsync(CancellationToken cancellation)
    {
        await using (var start = _source.CreateCommand("UPDATE background_jobs SET run_at = ledger_now(), due_at = ledger_now() WHERE state = 'scheduled'"))
        {
            await start.ExecuteNonQueryAsync(cancellation);
        }

        return await EndAsync(cancellation);
    }

    private async Task<TimeSpan> EndAsync(CancellationToken cancellation)
    {
        var began = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(began) is var waited)
        {
            await using var command = _source.CreateCommand("SELECT NOT EXISTS (SELECT 1 FROM background_jobs WHERE state <> 'ended')");
            if ((bool)(await command.ExecuteScalarAsync(cancellation))!)
            {
                return waited;
            }

            if (waited > s_patience)
            {
                break;
            }

            await Task.Delay(s_poll, cancellation);
        }

        throw new InvalidOperationException($"Submitted jobs did not end within {s_patience.TotalMinutes} minutes.");
    }

    private async Task<bool> HasEndedAsync(Guid job, CancellationToken cancellation)
    {
        await using var command = _source.CreateCommand("SELECT EXISTS (SELECT 1 FROM background_jobs WHERE job_id = $1 AND state = 'ended')");
        command.Parameters.Add(new() { Value = job });
        return (bool)(await command.ExecuteScalarAsync(cancellation))!;
    }

    private async Task<Guid> SubmitAsync(int caller, object body, CancellationToken cancellation)
    {
        using var answer = await SendAsync(keys[caller % keys.Count], "/api/jobs/submit", body, cancellation);
        return (await JsonSerializer.DeserializeAsync<JsonElement>(await answer.Content.ReadAsStreamAsync(cancellation), cancellationToken: cancellation))
            .GetProperty("job_id").GetGuid();
    }

    private async Task<HttpResponseMessage> SendAsync(string key, string path, object body, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(body) };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        var answer = await _http.SendAsync(request, cancellation);
        return answer.IsSuccessStatusCode
            ? answer
            : throw new InvalidOperationException($"{path}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync(cancellation)}");
    }
}
