namespace Aspire.Hosting.ApplicationModel;

public class EnvironmentCallbackContext(DistributedApplicationExecutionContext executionContext, Dictionary<string, object> environmentVariables)
{
    public Dictionary<string, object> EnvironmentVariables { get; } = environmentVariables;

    public DistributedApplicationExecutionContext ExecutionContext { get; } = executionContext;
}

public class EnvironmentCallbackAnnotation(Func<EnvironmentCallbackContext, Task> callback) : IResourceAnnotation
{
    public Func<EnvironmentCallbackContext, Task> Callback { get; } = callback;
}

public sealed class CommandLineArgsCallbackContext(IList<object> args)
{
    public IList<object> Args { get; } = args;
}

public class CommandLineArgsCallbackAnnotation(Func<CommandLineArgsCallbackContext, Task> callback) : IResourceAnnotation
{
    public Func<CommandLineArgsCallbackContext, Task> Callback { get; } = callback;
}

public enum WaitType
{
    WaitUntilHealthy,
    WaitForCompletion,
    WaitUntilStarted,
}

public class WaitAnnotation(IResource resource, WaitType waitType, int exitCode = 0) : IResourceAnnotation
{
    public IResource Resource { get; } = resource;

    public WaitType WaitType { get; } = waitType;

    public int ExitCode { get; } = exitCode;
}

/// <summary>Asks a path over HTTP for a status.</summary>
internal sealed record HttpProbeAnnotation(string Path, int StatusCode, string EndpointName) : IResourceAnnotation;

internal sealed record ProjectAnnotation(IProjectMetadata Metadata, System.Reflection.Assembly Owner) : IResourceAnnotation;

internal sealed record ImageAnnotation(string Image, string Tag) : IResourceAnnotation;

/// <summary>The data of this resource outlives a run.</summary>
internal sealed record DataVolumeAnnotation : IResourceAnnotation;
