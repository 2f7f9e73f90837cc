using System.Diagnostics;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.EndToEnd;

/// <summary>The seeds' testing guide, as its script walks it.</summary>
public sealed class TestingGuideTests(AppFixture fixture)
{
    [Fact]
    public async Task The_script_passes_and_passes_again()
    {
        var app = await fixture.AppAsync();

        var (firstExit, first) = await RunAsync(app);
        var (secondExit, second) = await RunAsync(app);

        Assert.True(firstExit == 0, first);
        Assert.Contains("Balance: 149 credits", first, StringComparison.Ordinal);
        Assert.True(secondExit == 0, second);
        Assert.Contains("Balance: 198 credits", second, StringComparison.Ordinal);
    }

    private static async Task<(int Exit, string Output)> RunAsync(TestApp app)
    {
        var script = Path.Combine(Repository.Root, "scripts", "testing-guide.sh");
        var start = new ProcessStartInfo("bash", [script]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["BASE_URL"] = app.Api.BaseAddress!.ToString().TrimEnd('/');
        start.Environment["ADMIN_KEY"] = AppFixture.AdminKey;
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, output + await errors);
    }
}
