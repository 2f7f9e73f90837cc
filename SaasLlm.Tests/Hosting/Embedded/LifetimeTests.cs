using System.Net;
using System.Net.Sockets;
using SaasLlm.Benchmarks.Driver;

namespace SaasLlm.Tests.Hosting.Embedded;

/// <summary>Starting, stopping and dying, as a developer sees them.</summary>
public sealed class LifetimeTests : IDisposable
{
    private readonly DirectoryInfo _data = Directory.CreateTempSubdirectory("saasllm-lifetime-");
    private readonly int _port = FreePort.Find();

    public LifetimeTests()
    {
        if (!OperatingSystem.IsWindows())
        {
            // Postgres' user passes through to its own folder.
            _data.UnixFileMode |= UnixFileMode.OtherExecute;
        }
    }

    public void Dispose() => _data.Delete(recursive: true);

    [Fact]
    public async Task Ctrl_c_leaves_no_process_and_no_lock_and_a_second_start_meanwhile_is_refused()
    {
        await using var host = AppHostProcess.Start(
            _data.FullName, _port, ["--seed", "testing-guide"], ("Parameters__admin_key", "key-from-the-environment"));
        await host.SaysAsync("Admin key  key-from-the-environment");
        await host.SaysAsync("team team_test_hr: created");

        await using var second = AppHostProcess.Start(_data.FullName, FreePort.Find());
        Assert.Equal(1, await second.ExitCodeAsync());
        Assert.Contains($"It is already running, as process {host.Id}", second.Output, StringComparison.Ordinal);

        var children = host.Descendants();
        Assert.NotEmpty(children);
        await host.SignalAsync("INT");

        Assert.Equal(0, await host.ExitCodeAsync());
        Assert.DoesNotContain("starting it again", host.Output, StringComparison.Ordinal);
        Assert.Empty(await AppHostProcess.StillAliveAsync(children));
        Assert.False(File.Exists(Path.Combine(_data.FullName, "lock")));
        Assert.False(File.Exists(Path.Combine(_data.FullName, "pid")));
    }

    [Fact]
    public async Task A_killed_apphost_leaves_no_orphans_and_its_data_opens_again_until_fresh()
    {
        var marker = Path.Combine(_data.FullName, "marker");
        await using (var host = AppHostProcess.Start(_data.FullName, _port))
        {
            await host.SaysAsync("Admin key");
            var children = host.Descendants();
            await host.SignalAsync("KILL");
            await host.ExitCodeAsync();
            Assert.Empty(await AppHostProcess.StillAliveAsync(children));
        }

        await File.WriteAllTextAsync(marker, "");
        var secrets = await File.ReadAllTextAsync(Path.Combine(_data.FullName, "secrets.json"));
        await using (var again = AppHostProcess.Start(_data.FullName, _port))
        {
            await again.SaysAsync("Admin key");
            Assert.Equal(secrets, await File.ReadAllTextAsync(Path.Combine(_data.FullName, "secrets.json")));
            Assert.True(File.Exists(marker));
        }

        await using var fresh = AppHostProcess.Start(_data.FullName, _port, ["--fresh"]);
        await fresh.SaysAsync("Admin key");
        Assert.False(File.Exists(marker));
        Assert.NotEqual(secrets, await File.ReadAllTextAsync(Path.Combine(_data.FullName, "secrets.json")));
    }

    [Fact]
    public async Task A_taken_port_is_reported_with_its_owner_and_nothing_is_wiped()
    {
        using var listener = new TcpListener(IPAddress.Loopback, _port);
        listener.Start();
        var marker = Path.Combine(_data.FullName, "marker");
        await File.WriteAllTextAsync(marker, "");

        await using var host = AppHostProcess.Start(_data.FullName, _port, ["--fresh"]);

        Assert.Equal(1, await host.ExitCodeAsync());
        Assert.Contains($"port {_port}, which api needs, is taken by", host.Output, StringComparison.Ordinal);
        Assert.Contains($"(process {Environment.ProcessId})", host.Output, StringComparison.Ordinal);
        Assert.True(File.Exists(marker));
    }

    [Fact]
    public async Task A_container_where_there_is_no_engine_says_what_to_choose_instead()
    {
        await using var host = AppHostProcess.Start(_data.FullName, _port, ["--gateway", "container"]);

        await host.SaysAsync("--gateway simulator");
    }
}
