using System.Globalization;
using System.Security.Cryptography;

namespace Aspire.Hosting.Embedded;

/// <summary>
/// The Aspire dashboard as a process beside the resources: from the <c>aspire</c> command on PATH, or from its npm package,
/// which is fetched in the background and cached. Its absence neither delays nor fails anything.
/// </summary>
internal sealed class Dashboard(EmbeddedOptions options, EmbeddedConsole console) : IAsyncDisposable
{
    private readonly string _apiKey = RandomNumberGenerator.GetHexString(32, lowercase: true);
    private readonly string _token = RandomNumberGenerator.GetHexString(32, lowercase: true);
    private GuardedProcess? _process;
    private Task _work = Task.CompletedTask;
    private string? _frontend;
    private string? _otlp;

    public string? Url => _frontend is null ? null : $"{_frontend}/login?t={_token}";

    public bool IsRunning => _process is not null;

    public void Start(CancellationToken stopping)
    {
        if (!options.UseDashboard)
        {
            return;
        }

        // The launch profile names both, as for the real AppHost.
        _frontend = FromEnvironment("ASPNETCORE_URLS") ?? $"http://localhost:{Ports.Free()}";
        _otlp = FromEnvironment("ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL") ?? $"http://localhost:{Ports.Free()}";
        _work = Task.Run(() => RunAsync(stopping), CancellationToken.None);
    }

    public void AddTo(Dictionary<string, object> environment)
    {
        if (_otlp is not null)
        {
            environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = _otlp;
            environment["OTEL_EXPORTER_OTLP_PROTOCOL"] = "grpc";
            environment["OTEL_EXPORTER_OTLP_HEADERS"] = $"x-otlp-api-key={_apiKey}";
            // As the real AppHost in development: what happened is seen at once.
            environment["OTEL_BLRP_SCHEDULE_DELAY"] = "1000";
            environment["OTEL_BSP_SCHEDULE_DELAY"] = "1000";
            environment["OTEL_METRIC_EXPORT_INTERVAL"] = "1000";
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _work;
        if (_process is { } process)
        {
            _process = null;
            await process.StopAsync();
            process.Dispose();
        }
    }

    private static string? FromEnvironment(string name)
    {
        var value = Environment.GetEnvironmentVariable(name)?.Split(';')[0].TrimEnd('/');
        return Uri.TryCreate(value, UriKind.Absolute, out var url) && url.Scheme == "http" && Ports.IsFree(url.Port) ? value : null;
    }

    private async Task RunAsync(CancellationToken stopping)
    {
        try
        {
            var cli = await DashboardCli.FindOrFetchAsync(console, stopping);
            _process = GuardedProcess.Start(Plan(cli), line => console.Keep("dashboard", line));
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // Stopped while fetching.
        }
        catch (Exception exception)
        {
            console.Note($"No dashboard: {exception.Message} (--no-dashboard says nothing)");
        }
    }

    private LaunchPlan Plan(string cli)
        => new(cli, ["dashboard", "run"])
        {
            Environment = new Dictionary<string, string>
            {
                ["ASPNETCORE_URLS"] = _frontend!,
                ["ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL"] = _otlp!,
                ["ASPIRE_DASHBOARD_OTLP_HTTP_ENDPOINT_URL"] = $"http://localhost:{Ports.Free().ToString(CultureInfo.InvariantCulture)}",
                ["ASPIRE_ALLOW_UNSECURED_TRANSPORT"] = "true",
                ["DASHBOARD__FRONTEND__AUTHMODE"] = "BrowserToken",
                ["DASHBOARD__FRONTEND__BROWSERTOKEN"] = _token,
                ["DASHBOARD__OTLP__AUTHMODE"] = "ApiKey",
                ["DASHBOARD__OTLP__PRIMARYAPIKEY"] = _apiKey,
            },
        };
}
