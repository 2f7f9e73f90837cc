using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Npgsql;
using SaasLlm.Core.Usage;
using SaasLlm.Tests.Access;
using SaasLlm.Tests.Background;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.Usage;

/// <summary>A report as CSV has a minute, which the test lets pass when it likes: after it nothing that looks whole was sent, and nothing is held.</summary>
public sealed class SlowCsvTests(AppFixture app) : IAsyncLifetime
{
    // With names of this length more than the sockets of a machine hold for somebody who does not read.
    private const int Rows = 40_000;
    private const int NameLength = 600;

    private readonly MinuteByHand _time = new();
    private TaskDatabase _database = null!;
    private TcpProxy _wire = null!;
    private Replica _api = null!;

    private static string Path => $"/api/usage?period={LastMonth:yyyy-MM}&group_by=user&format=csv";

    private static DateTimeOffset LastMonth => UsageGrain.Floor("month", DateTimeOffset.UtcNow).AddMonths(-1);

    public async ValueTask InitializeAsync()
    {
        var stores = await app.StoresAsync();
        var postgres = await stores.CreateDatabaseAsync();
        _database = new(postgres);
        var server = new NpgsqlConnectionStringBuilder(postgres);
        _wire = new(server.Host!, server.Port);
        (server.Host, server.Port) = ("127.0.0.1", _wire.Port);
        _api = await Replica.StartAsync(
            ApiFixture.Settings(server.ConnectionString, stores.Redis), services => services.Replace(ServiceDescriptor.Singleton<TimeProvider>(_time)));
        await _database.ExecuteAsync($"""
            INSERT INTO usage_rollups
            SELECT 'team', 'month', '{LastMonth:O}', true, '', '', 'parse', rpad(n::text, {NameLength}, 'x'), 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0
              FROM generate_series(1, {Rows}) n;
            UPDATE usage_watermark SET rolled_until = '{LastMonth.AddMonths(1):O}'
            """);
    }

    public async ValueTask DisposeAsync()
    {
        await _api.DisposeAsync();
        _wire.Dispose();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task One_whose_first_row_takes_too_long_is_refused_and_ends_in_the_database_too()
    {
        await using var other = await _database.Source.OpenConnectionAsync();
        await using var transaction = await other.BeginTransactionAsync();
        await using (var command = other.CreateCommand())
        {
            command.CommandText = "LOCK TABLE usage_watermark IN ACCESS EXCLUSIVE MODE";
            await command.ExecuteNonQueryAsync();
        }

        var waits = $"SELECT count(*) FROM pg_stat_activity WHERE {other.ProcessID} = ANY (pg_blocking_pids(pid))";
        var asking = _api.Operator.GetAsync(Path);
        await WaitAsync(async () => await _database.ScalarAsync<long>(waits) == 1);
        _time.Pass();

        var refused = (await asking).Is(503, "usage.slow");
        Assert.Equal("10", refused.RetryAfter);
        await WaitAsync(async () => await _database.ScalarAsync<long>(waits) == 0);
        await AssertNothingHeldAsync();
        await transaction.RollbackAsync();
        await AssertWholeAsync();
    }

    [Fact]
    public async Task One_that_is_read_too_slowly_is_broken_off_and_does_not_look_whole()
    {
        using var http = NewReader();
        await using var body = await AskAsync(http);
        var begun = new byte[1000];
        await body.ReadExactlyAsync(begun);
        Assert.StartsWith("user_id,total_jobs,", Encoding.UTF8.GetString(begun), StringComparison.Ordinal);

        _time.Pass();

        await AssertNothingHeldAsync();
        await Assert.ThrowsAnyAsync<IOException>(() => body.CopyToAsync(Stream.Null));
        await AssertWholeAsync();
    }

    // The reader has all that came.
    [Fact]
    public async Task One_whose_rows_stop_coming_is_broken_off_too()
    {
        using var http = NewReader();
        await using var body = await AskAsync(http);
        _wire.Freeze();
        var received = 0L;
        var reading = ReadAsync();
        var before = -1L;
        await WaitAsync(() => Task.FromResult(before == (before = Volatile.Read(ref received))), TimeSpan.FromMilliseconds(300));
        Assert.False(reading.IsCompleted);

        _time.Pass();

        await Assert.ThrowsAnyAsync<IOException>(() => reading);
        Assert.InRange(received, 1, (Rows * NameLength) - 1);
        _wire.Mend();
        await AssertNothingHeldAsync();
        await AssertWholeAsync();

        async Task ReadAsync()
        {
            var buffer = new byte[64 * 1024];
            while (await body.ReadAsync(buffer) is > 0 and var length)
            {
                Volatile.Write(ref received, received + length);
            }
        }
    }

    private static HttpClient NewReader() => new(new SocketsHttpHandler { ConnectCallback = ConnectAsync });

    /// <summary>A report that has begun to arrive.</summary>
    private async Task<Stream> AskAsync(HttpClient http)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, new Uri(_api.Address, Path));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", AppFixture.AdminKey);
        var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return await response.Content.ReadAsStreamAsync();
    }

    /// <summary>A later report finds the place and the connection that it needs, and has all rows.</summary>
    private async Task AssertWholeAsync()
    {
        var csv = (await _api.Operator.GetAsync(Path)).Is(200).Text;
        Assert.Equal(Rows + 1, csv.Split("\r\n", StringSplitOptions.RemoveEmptyEntries).Length);
    }

    private async Task AssertNothingHeldAsync()
    {
        var reader = _api.Services.GetRequiredService<UsageReader>();
        await WaitAsync(() =>
        {
            var turns = Enumerable.Range(0, UsageReader.StreamsMax).Select(_ => reader.TryTakeTurn()).ToList();
            turns.ForEach(turn => turn?.Dispose());
            return Task.FromResult(turns.TrueForAll(turn => turn is not null));
        });
        await WaitAsync(async () => await _database.ScalarAsync<long>("""
            SELECT count(*) FROM pg_stat_activity
             WHERE datname = current_database() AND xact_start IS NOT NULL AND pid <> pg_backend_pid() AND query NOT LIKE 'LOCK %'
            """) == 0);
    }

    private static async Task WaitAsync(Func<Task<bool>> isSo, TimeSpan? each = null)
    {
        for (var limit = DateTime.UtcNow.AddMinutes(1); !await isSo();)
        {
            Assert.True(DateTime.UtcNow < limit, "it does not come about");
            await Task.Delay(each ?? TimeSpan.FromMilliseconds(20));
        }
    }

    // Somebody whose machine takes in little that nobody reads.
    private static async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };
        await socket.ConnectAsync(context.DnsEndPoint, cancellation);
        return new NetworkStream(socket, ownsSocket: true);
    }

    // Limits of a minute pass when the test says so; all else takes its time.
    private sealed class MinuteByHand : TimeProvider
    {
        private readonly ConcurrentQueue<Action> _waiting = [];

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            if (state is CancellationTokenSource && dueTime == TimeSpan.FromMinutes(1))
            {
                _waiting.Enqueue(() => callback(state));
                dueTime = Timeout.InfiniteTimeSpan;
            }

            return base.CreateTimer(callback, state, dueTime, period);
        }

        /// <summary>For the one that waits for it.</summary>
        public void Pass()
        {
            Assert.True(_waiting.TryDequeue(out var pass) && _waiting.IsEmpty, "one limit runs");
            pass();
        }
    }
}
