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
        ActivityTraceId trace;
        using (var host = builder.Build())
        {
            await host.StartAsync();
            var redis = host.Services.GetRequiredService<IConnectionMultiplexer>().GetDatabase();
            await redis.PingAsync();
            using (var parent = source.StartActivity("parent")!)
            {
                trace = parent.TraceId;
                await redis.StringGetAsync("saasllm:tests:none");
            }

            for (var until = DateTime.UtcNow.AddSeconds(20); DateTime.UtcNow < until && spans.All(span => span.TraceId != trace || span.Kind != ActivityKind.Client);)
            {
                await Task.Delay(50);
            }

            await host.StopAsync();
        }

        var outer = Assert.Single(spans, span => span.TraceId == trace && span.DisplayName == "parent");
        var inner = Assert.Single(spans, span => span.TraceId == trace && span.Kind == ActivityKind.Client);
        Assert.Equal("GET", inner.DisplayName);
        Assert.Equal(outer.SpanId, inner.ParentSpanId);
        Assert.Equal("redis", inner.GetTagItem("db.system"));
        Assert.InRange(inner.Duration, TimeSpan.FromTicks(1), outer.Duration);
    }

    private sealed class Collect(ConcurrentQueue<Activity> spans) : BaseProcessor<Activity>
    {
        public override void OnEnd(Activity data) => spans.Enqueue(data);
    }
}
