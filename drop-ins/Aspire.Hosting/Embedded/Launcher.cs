using System.Globalization;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Embedded;

/// <summary>What to start for a resource.</summary>
/// <param name="StopSignal">How it is asked to stop: TERM, or INT for Postgres' fast shutdown.</param>
/// <param name="User">Run as this user; null: as ourselves.</param>
internal sealed record LaunchPlan(string Program, IReadOnlyList<string> Arguments)
{
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    public string WorkingDirectory { get; init; } = "/";

    public string StopSignal { get; init; } = "TERM";

    public string? User { get; init; }
}

/// <summary>How one kind of resource is run on this machine.</summary>
internal abstract class Launcher
{
    /// <summary>Makes ready what the process needs, once. Null: there is no process, the resource is up when this returns.</summary>
    public abstract Task<LaunchPlan?> PrepareAsync(IResource resource, RunContext run, CancellationToken cancellation);

    /// <summary>Null when the resource answers, else what is missing.</summary>
    public virtual Task<string?> ProbeAsync(IResource resource, RunContext run, CancellationToken cancellation)
        => HttpProbe.AskAsync(resource, cancellation);

    /// <summary>What would mend a process that does not stay up.</summary>
    public virtual string? Advice(string output) => null;

    /// <summary>What <c>WithArgs</c> said.</summary>
    protected static async Task<List<string>> ArgumentsAsync(IResource resource, CancellationToken cancellation)
    {
        var context = new CommandLineArgsCallbackContext([]);
        foreach (var annotation in resource.Annotations.OfType<CommandLineArgsCallbackAnnotation>())
        {
            await annotation.Callback(context);
        }

        var arguments = new List<string>();
        foreach (var argument in context.Args)
        {
            arguments.Add(await TextAsync(argument, cancellation));
        }

        return arguments;
    }

    protected static async Task<string> TextAsync(object value, CancellationToken cancellation) => value switch
    {
        IValueProvider provider => await provider.GetValueAsync(cancellation) ?? "",
        IFormattable text => text.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };
}

internal sealed record LauncherAnnotation(Launcher Launcher) : IResourceAnnotation;

/// <summary>What launchers share in one run.</summary>
internal sealed record RunContext(
    EmbeddedOptions Options, DistributedApplicationExecutionContext Execution, EmbeddedConsole Console, Dashboard Dashboard, string EnvironmentName);

internal static class HttpProbe
{
    private static readonly HttpClient s_http = new() { Timeout = TimeSpan.FromSeconds(5) };

    public static async Task<string?> AskAsync(IResource resource, CancellationToken cancellation)
    {
        foreach (var probe in resource.Annotations.OfType<HttpProbeAnnotation>())
        {
            var url = new EndpointReference((IResourceWithEndpoints)resource, probe.EndpointName).Url + probe.Path;
            try
            {
                using var answer = await s_http.GetAsync(new Uri(url), cancellation);
                if ((int)answer.StatusCode != probe.StatusCode)
                {
                    return $"{url} answers {(int)answer.StatusCode}";
                }
            }
            catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException && !cancellation.IsCancellationRequested)
            {
                return $"{url} does not answer";
            }
        }

        return null;
    }
}

/// <summary>There is no engine for it here.</summary>
internal sealed class ContainerLauncher : Launcher
{
    public override Task<LaunchPlan?> PrepareAsync(IResource resource, RunContext run, CancellationToken cancellation)
    {
        var image = resource.Annotations.OfType<ImageAnnotation>().Single();
        throw new DistributedApplicationException(
            $"it is a container ({image.Image}:{image.Tag}), and this build is for machines without a container engine (stack Embedded). Install Docker or Podman and build again, or choose what needs none: --gateway simulator, or --gateway <base url>.");
    }
}
