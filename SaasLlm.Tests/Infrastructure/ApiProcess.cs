using System.Collections.Concurrent;
using System.Diagnostics;
using SaasLlm.Benchmarks.Driver;

namespace SaasLlm.Tests.Infrastructure;

/// <summary>One more replica of the API, as a process; killed when disposed.</summary>
public sealed class ApiProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly ConcurrentQueue<string> _output = new();

    private ApiProcess(Process process, Uri address)
    {
        _process = process;
        Client = new HttpClient { BaseAddress = address };
        Operator = new HttpClient { BaseAddress = address };
        Operator.DefaultRequestHeaders.Add("X-Admin-Key", AppFixture.AdminKey);
    }

    public HttpClient Client { get; }

    public HttpClient Operator { get; }

    public string Output => string.Join(Environment.NewLine, _output);

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        Operator.Dispose();
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }

    internal static async Task<ApiProcess> StartAsync(IReadOnlyDictionary<string, string> environment)
    {
        var address = new Uri($"http://127.0.0.1:{FreePort.Find()}");
        var dll = Path.Combine(AppContext.BaseDirectory, "SaasLlm.ApiService.dll");
        var start = new ProcessStartInfo("dotnet", ["exec", dll]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["ASPNETCORE_URLS"] = address.ToString();
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        var api = new ApiProcess(Process.Start(start)!, address);
        api.Listen();
        await api.WaitUntilReadyAsync();
        return api;
    }

    private void Listen()
    {
        _process.OutputDataReceived += (_, line) => _output.Enqueue(line.Data ?? "");
        _process.ErrorDataReceived += (_, line) => _output.Enqueue(line.Data ?? "");
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    private async Task WaitUntilReadyAsync()
    {
        var began = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(began) < TimeSpan.FromMinutes(3) && !_process.HasExited)
        {
            try
            {
                using var answer = await Client.GetAsync("/alive");
                if (answer.IsSuccessStatusCode)
                {
                    return;
                }
            }
            catch (HttpRequestException)
            {
                // Not listening yet.
            }

            await Task.Delay(100);
        }

        var output = Output;
        await DisposeAsync();
        throw new InvalidOperationException($"The API did not start:{Environment.NewLine}{output}");
    }
}
