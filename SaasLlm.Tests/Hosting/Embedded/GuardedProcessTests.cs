using Aspire.Hosting.Embedded;

namespace SaasLlm.Tests.Hosting.Embedded;

/// <summary>What a program gets that runs behind the guarding shell.</summary>
public sealed class GuardedProcessTests
{
    // dash, the shell of Debian and Ubuntu, passes on only what it could name itself.
    [Theory]
    [InlineData("Logging__LogLevel__Microsoft.AspNetCore")]
    [InlineData("PLAIN_NAME")]
    public async Task A_variable_reaches_the_program_whatever_its_name(string name)
    {
        var said = new TaskCompletionSource<string>();
        using var process = GuardedProcess.Start(
            new LaunchPlan("printenv", [name]) { Environment = new Dictionary<string, string> { [name] = "a value = 1" } }, line => said.TrySetResult(line));

        await process.WaitAsync();

        Assert.Equal(0, process.ExitCode);
        Assert.Equal("a value = 1", await said.Task.WaitAsync(TimeSpan.FromSeconds(60)));
    }
}
