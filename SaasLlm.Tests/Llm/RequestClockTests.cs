using System.Globalization;
using System.Net.Sockets;
using System.Security.Claims;
using System.Text;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using SaasLlm.ApiService.Llm;
using SaasLlm.Core.Llm;
using SaasLlm.Tests.Access;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.Llm;

/// <summary>What of a request's time is ours: all but the waits for its body and for the gateway.</summary>
[Collection(ApiTests.Name)]
public sealed class RequestClockTests(ApiFixture api, AppFixture app)
{
    private static readonly TimeSpan s_access = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan s_body = TimeSpan.FromSeconds(3);

    [Theory]
    [InlineData(true, 30)]
    [InlineData(false, 1030)] // Another route's body is nobody's question.
    public async Task Waits_for_the_body_of_a_call_are_not_ours(bool isCall, int milliseconds)
    {
        var time = new HandMovedTime();
        var context = new DefaultHttpContext { RequestServices = new ServiceCollection().AddSingleton<TimeProvider>(time).BuildServiceProvider() };
        context.SetEndpoint(new Endpoint(null, new EndpointMetadataCollection(isCall ? [new CallRoute()] : []), null));
        // Two waits of half a second, and a piece that is there at once.
        context.Request.Body = new SlowBody(() => time.Move(500), 2);

        await RequestClock.StartAsync(context, async _ =>
        {
            time.Move(10);
            await RequestClock.WatchBodyAsync(context, async _ =>
            {
                time.Move(10);
                Assert.Equal("abc", await new StreamReader(context.Request.Body).ReadToEndAsync());
                time.Move(10);
            });
        });

        var (upstream, overhead) = new CallClock(time, context.Features.Get<RequestClock>()!.BegunAt).Read();
        Assert.Equal((TimeSpan.Zero, TimeSpan.FromMilliseconds(milliseconds)), (upstream, overhead));
    }

    [Fact]
    public async Task Access_is_ours_and_what_the_sender_takes_is_not()
    {
        var team = await api.CreateTeamAsync();
        await using var replica = await Replica.StartAsync(
            ApiFixture.Settings(api.PostgresConnection, (await app.StoresAsync()).Redis),
            services => services.Replace(ServiceDescriptor.Singleton<IClaimsTransformation>(new SlowAccess())));
        await OverheadAsync(replica, team, TimeSpan.Zero);

        var overhead = await OverheadAsync(replica, team, s_body);

        // With the body it would be three seconds, less what the request took to arrive.
        Assert.InRange(overhead, s_access - TimeSpan.FromMilliseconds(10), s_body - TimeSpan.FromSeconds(1));
    }

    // No such model group: it is known without a gateway.
    private static async Task<TimeSpan> OverheadAsync(Replica replica, TestTeam team, TimeSpan pause)
    {
        const string body = """{"model":"nobodys","messages":[{"role":"user","content":"x"}]}""";
        using var client = new TcpClient();
        await client.ConnectAsync(replica.Address.Host, replica.Address.Port);
        var wire = client.GetStream();
        await wire.WriteAsync(Encoding.ASCII.GetBytes(
            $"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {team.Key}\r\nConnection: close\r\nContent-Length: {body.Length}\r\n\r\n"));
        await Task.Delay(pause);
        await wire.WriteAsync(Encoding.ASCII.GetBytes(body));
        var answer = await new StreamReader(wire).ReadToEndAsync();
        Assert.StartsWith("HTTP/1.1 404 ", answer, StringComparison.Ordinal);
        var timing = answer.Split("\r\n").Single(line => line.StartsWith("Server-Timing: ", StringComparison.Ordinal));
        return TimeSpan.FromMilliseconds(double.Parse(timing.Split("overhead;dur=")[1], CultureInfo.InvariantCulture));
    }

    private sealed class SlowAccess : IClaimsTransformation
    {
        public async Task<ClaimsPrincipal> TransformAsync(ClaimsPrincipal principal)
        {
            await Task.Delay(s_access);
            return principal;
        }
    }

    private sealed class HandMovedTime : TimeProvider
    {
        private long _now = 1;

        public override long TimestampFrequency => 1000;

        public void Move(int milliseconds) => _now += milliseconds;

        public override long GetTimestamp() => _now;
    }

    // A byte a read; the first ones come late.
    private sealed class SlowBody(Action wait, int waits) : MemoryStream("abc"u8.ToArray())
    {
        private int _waits = waits;

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_waits-- > 0)
            {
                await Task.Yield();
                wait();
            }

            return Read(buffer.Span[..1]);
        }
    }
}
