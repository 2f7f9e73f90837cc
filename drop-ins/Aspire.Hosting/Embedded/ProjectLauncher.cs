using System.Globalization;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Embedded;

/// <summary>Starts a project's built program; the AppHost's build has built it.</summary>
internal sealed class ProjectLauncher : Launcher
{
    public override async Task<LaunchPlan?> PrepareAsync(IResource resource, RunContext run, CancellationToken cancellation)
    {
        var project = resource.Annotations.OfType<ProjectAnnotation>().Single();
        var dll = AppHostMetadata.Output(project.Owner, project.Metadata.ProjectPath);
        if (!File.Exists(dll))
        {
            throw new DistributedApplicationException($"{dll} is not there. Build first: dotnet build SaasLlm.sln");
        }

        var arguments = await ArgumentsAsync(resource, cancellation);
        var environment = await EnvironmentAsync(resource, run, cancellation);
        var program = Path.ChangeExtension(dll, OperatingSystem.IsWindows() ? ".exe" : null);
        var runs = File.Exists(program);
        return new LaunchPlan(runs ? program : "dotnet", runs ? arguments : [dll, .. arguments])
        {
            Environment = environment,
            WorkingDirectory = Path.GetDirectoryName(project.Metadata.ProjectPath)!,
        };
    }

    private static async Task<Dictionary<string, string>> EnvironmentAsync(IResource resource, RunContext run, CancellationToken cancellation)
    {
        var context = new EnvironmentCallbackContext(run.Execution, new Dictionary<string, object>(StringComparer.Ordinal)
        {
            ["DOTNET_ENVIRONMENT"] = run.EnvironmentName,
            ["ASPNETCORE_ENVIRONMENT"] = run.EnvironmentName,
            ["Logging__Console__FormatterName"] = "simple",
            ["Logging__Console__FormatterOptions__SingleLine"] = "true",
            ["Logging__Console__FormatterOptions__TimestampFormat"] = "HH:mm:ss.fff ",
            ["OTEL_SERVICE_NAME"] = resource.Name,
            ["OTEL_RESOURCE_ATTRIBUTES"] = $"service.instance.id={resource.Name}",
        });
        run.Dashboard.AddTo(context.EnvironmentVariables);
        var urls = new List<string>();
        foreach (var endpoint in resource.Annotations.OfType<EndpointAnnotation>())
        {
            urls.Add($"{endpoint.UriScheme}://localhost:{endpoint.AllocatedPort}");
            if (endpoint.PortVariable is { } variable)
            {
                context.EnvironmentVariables[variable] = endpoint.AllocatedPort!.Value.ToString(CultureInfo.InvariantCulture);
            }
        }

        if (urls.Count > 0)
        {
            context.EnvironmentVariables["ASPNETCORE_URLS"] = string.Join(';', urls);
        }

        foreach (var annotation in resource.Annotations.OfType<EnvironmentCallbackAnnotation>())
        {
            await annotation.Callback(context);
        }

        var environment = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in context.EnvironmentVariables)
        {
            environment[name] = await TextAsync(value, cancellation);
        }

        return environment;
    }
}
