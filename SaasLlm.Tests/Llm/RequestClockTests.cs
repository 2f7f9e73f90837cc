using System.Globalization;
using System.Net;
using System.Security.Claims;
using System.Text;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
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
        var time = new StandingTime(pauseMax: TimeSpan.FromHours(1));
        await using var replica = await Replica.StartAsync(
            ApiFixture.Settings(api.PostgresConnection, (await app.StoresAsync()).Redis),
            services => services
                .Replace(ServiceDescriptor.Singleton<TimeProvider>(time))
                .Replace(ServiceDescriptor.Singleton<IClaimsTransformation>(new SlowAccess(time)))
                .AddSingleton<IStartupFilter>(new SlowSender(time)));

        // No such model group: it is known without a gateway.
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions")
        {
            Content = new StringContent("""{"model":"nobodys","messages":[{"role":"user","content":"x"}]}""", Encoding.UTF8, "application/json"),
        };
        using var answer = await replica.As(team.Key).SendRawAsync(request);

        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        var timing = Assert.Single(answer.Headers.GetValues("Server-Timing"));
        Assert.Equal(s_access, TimeSpan.FromMilliseconds(double.Parse(timing.Split("overhead;dur=")[1], CultureInfo.InvariantCulture)));
    }

    private sealed class SlowAccess(StandingTime time) : IClaimsTransformation
    {
        private int _asked;

        public Task<ClaimsPrincipal> TransformAsync(ClaimsPrincipal principal)
        {
            // May be asked several times of one request.
            time.Move(Interlocked.Increment(ref _asked) == 1 ? s_access : TimeSpan.Zero);
            return Task.FromResult(principal);
        }
    }

    // The request's body comes late.
    private sealed class SlowSender(StandingTime time) : IStartupFilter
    {
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.Use((context, following) =>
            {
                context.Request.Body = new LateBody(context.Request.Body, () => time.Move(s_body));
                return following(context);
            });
            next(app);
        };
    }

    private sealed class LateBody(Stream body, Action wait) : Stream
    {
        private bool _waited;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (!_waited)
            {
                _waited = true;
                wait();
            }

            return body.ReadAsync(buffer, cancellationToken);
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
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
