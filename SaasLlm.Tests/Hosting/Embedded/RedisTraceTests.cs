using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using OpenTelemetry;
using OpenTelemetry.Trace;
using SaasLlm.Tests.Infrastructure;
using StackExchange.Redis;

namespace SaasLlm.Tests.Hosting.Embedded;

public sealed class RedisTraceTests(AppFixture fixture)
{
    private const string Source = "SaasLlm.Tests.RedisTrace";

    // The client counts in the stopwatch's ticks and calls them a TimeSpan's: spans came out a hundred times too long.
    [Fact]
    public async Task A_command_is_a_span_inside_the_activity_that_sent_it()
    {
        var stores = await fixture.StoresAsync();
        var spans = new ConcurrentQueue<Activity>();
        var builder = Host.CreateApplicationBuilder();
        builder.Configuration["ConnectionStrings:redis"] = stores.Redis;
        builder.AddRedisClient("redis");
        builder.Services.AddOpenTelemetry().WithTracing(tracing => tracing.AddSource(Source).AddProcessor(new Collect(spans)));
        using var source = new ActivitySource(Source);
        var traces = new List<ActivityTraceId>();
        using (var host = builder.Build())
        {
            await host.StartAsync();
            var redis = host.Services.GetRequiredService<IConnectionMultiplexer>().GetDatabase();
            await redis.PingAsync();
            for (var number = 0; number < 10; number++)
            {
                using var parent = source.StartActivity("parent")!;
                traces.Add(parent.TraceId);
                await redis.StringGetAsync("saasllm:tests:none");
            }

            for (var until = DateTime.UtcNow.AddSeconds(60); DateTime.UtcNow < until && !traces.All(trace => spans.Any(span => span.TraceId == trace && span.Kind == ActivityKind.Client));)
            {
                await Task.Delay(50);
            }

            await host.StopAsync();
        }

        var pairs = traces.ConvertAll(trace => (
            Outer: Assert.Single(spans, span => span.TraceId == trace && span.DisplayName == "parent"),
            Inner: Assert.Single(spans, span => span.TraceId == trace && span.Kind == ActivityKind.Client)));
        Assert.All(pairs, pair => Assert.Equal(("GET", pair.Outer.SpanId, "redis"), (pair.Inner.DisplayName, pair.Inner.ParentSpanId, pair.Inner.GetTagItem("db.system"))));
        // The client notes a command as done a moment after it gave the answer: on a busy machine that may be later than its caller's end.
        Assert.Contains(pairs, pair => pair.Inner.Duration > TimeSpan.Zero && pair.Inner.Duration <= pair.Outer.Duration);
    }

    private sealed class Collect(ConcurrentQueue<Activity> spans) : BaseProcessor<Activity>
    {
        public override void OnEnd(Activity data) => spans.Enqueue(data);
    }
}
