using System.Globalization;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting.Embedded;

/// <summary>Stops the application when the <c>dotnet run</c> that started it is killed: nobody else would.</summary>
internal static class ParentWatch
{
    public static void Start(IHostApplicationLifetime lifetime, CancellationToken stopping)
    {
        if (!OperatingSystem.IsLinux() || Parent() is not { } parent || Command(parent) != "dotnet")
        {
            return;
        }

        _ = Task.Run(
            async () =>
            {
                using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(500));
                while (await timer.WaitForNextTickAsync(stopping))
                {
                    if (Parent() != parent)
                    {
                        lifetime.StopApplication();
                        return;
                    }
                }
            },
            stopping);
    }

    // 4242 (name, which may hold spaces and brackets) S 17 …: the parent is the second word after the last bracket.
    private static int? Parent()
    {
        var stat = File.ReadAllText("/proc/self/stat");
        var words = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return int.Parse(words[1], CultureInfo.InvariantCulture);
    }

    private static string? Command(int pid)
        => File.Exists($"/proc/{pid}/comm") ? File.ReadAllText($"/proc/{pid}/comm").Trim() : null;
}
