using System.Globalization;
using System.Text;
using System.Text.Json;
using SaasLlm.ApiService.Llm;
using SaasLlm.ApiService.Platform.Json;
using SaasLlm.Core.Common;
using SaasLlm.Core.Jobs;
using SaasLlm.Core.Jobs.Background;

namespace SaasLlm.ApiService.Jobs.Background;

/// <summary>Writes a submitted job's events as they come, from the database: whichever replica is asked, they are the same, with the same ids.</summary>
internal sealed class JobEventStream(HttpContext context, StepResults results, BackgroundReader background, JobReader jobs, TimeProvider time)
{
    // Somebody watches; half a second is soon enough, and one short read.
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(250);

    public async Task WriteAsync(string teamId, JobId jobId, int after)
    {
        var response = context.Response;
        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-cache";
        // Proxies that gather an answer before they pass it on are asked not to.
        response.Headers["X-Accel-Buffering"] = "no";
        try
        {
            await FollowAsync(teamId, jobId, after);
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException && context.RequestAborted.IsCancellationRequested)
        {
            // The client left, and comes back with the last id it saw.
        }
    }

    private async Task FollowAsync(string teamId, JobId jobId, int after)
    {
        await SendAsync(": open\n\n");
        var spokeAt = time.GetTimestamp();
        while (true)
        {
            // Read before the steps: what it counts, the steps below show.
            var progress = (await background.ProgressAsync(teamId, jobId, context.RequestAborted))!;
            var seen = after;
            while (await results.EndedAfterAsync(teamId, jobId, after, context.RequestAborted) is { Count: > 0 } ended)
            {
                foreach (var step in ended)
                {
                    await SendAsync($"step.{step.Status}", step.Sequence, ResultResponse.Of(step with { Response = null }));
                }

                after = ended[^1].Sequence!.Value;
            }

            if (progress.State == PlanState.Ended && await EndedAsync(teamId, jobId) is { } job)
            {
                await SendAsync("progress", null, ProgressResponse.Of(progress)!);
                await SendAsync($"job.{job.Status}", progress.LastSequence, JobResponse.From(job));
                return;
            }

            if (after > seen)
            {
                await SendAsync("progress", null, ProgressResponse.Of(progress)!);
                spokeAt = time.GetTimestamp();
            }
            else if (time.GetElapsedTime(spokeAt) >= EventStreamResponse.Silence)
            {
                await SendAsync(": ping\n\n");
                spokeAt = time.GetTimestamp();
            }

            await Task.Delay(s_look, time, context.RequestAborted);
        }
    }

    // A plan whose job's deadline has passed ends before the sweep that ends the job.
    private async Task<Job?> EndedAsync(string teamId, JobId jobId)
        => (await jobs.FindAsync(jobId, teamId, context.RequestAborted)).Value is var job && JobStatus.IsOpen(job.Status) ? null : job;

    private Task SendAsync(string name, int? id, object data)
    {
        var identified = id is { } number ? string.Create(CultureInfo.InvariantCulture, $"id: {number}\n") : "";
        return SendAsync($"{identified}event: {name}\ndata: {JsonSerializer.Serialize(data, ApiJson.Options)}\n\n");
    }

    private async Task SendAsync(string text)
    {
        await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(text), context.RequestAborted);
        await context.Response.Body.FlushAsync(context.RequestAborted);
    }
}
