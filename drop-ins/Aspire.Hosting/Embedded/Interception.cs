using System.Reflection;

namespace Aspire.Hosting.Embedded;

/// <summary>
/// How a test gets hold of an AppHost: its entry point runs on a thread of its own, stops inside <c>Build()</c> until the
/// test builds, and stays inside <c>Run()</c> until the application is disposed.
/// </summary>
internal sealed class Interception(Assembly appHost)
{
    private static readonly AsyncLocal<Interception?> s_current = new();

    private readonly TaskCompletionSource<DistributedApplicationBuilder> _builder = New<DistributedApplicationBuilder>();
    private readonly TaskCompletionSource _build = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<DistributedApplication> _app = New<DistributedApplication>();
    private readonly TaskCompletionSource _disposed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public static Interception? Current => s_current.Value;

    public Assembly AppHost { get; } = appHost;

    public Action<IDistributedApplicationBuilder>? Configure { get; init; }

    public Task Disposed => _disposed.Task;

    public Task<DistributedApplicationBuilder> StartAsync(string[] args)
    {
        var thread = new Thread(() =>
        {
            s_current.Value = this;
            try
            {
                var main = AppHost.EntryPoint ?? throw new InvalidOperationException($"{AppHost} has no entry point.");
                var result = main.Invoke(null, main.GetParameters().Length == 0 ? [] : [args]);
                (result as Task)?.GetAwaiter().GetResult();
            }
            catch (Exception exception)
            {
                var cause = exception is TargetInvocationException { InnerException: { } inner } ? inner : exception;
                _builder.TrySetException(cause);
                _app.TrySetException(cause);
            }
        })
        { IsBackground = true, Name = "AppHost" };
        thread.Start();
        return _builder.Task;
    }

    public Task<DistributedApplication> BuildAsync(CancellationToken cancellation)
    {
        _build.TrySetResult();
        return _app.Task.WaitAsync(cancellation);
    }

    public void HandOver(DistributedApplicationBuilder builder)
    {
        _builder.TrySetResult(builder);
        _build.Task.GetAwaiter().GetResult();
    }

    public void Built(DistributedApplication app) => _app.TrySetResult(app);

    public void End()
    {
        _build.TrySetCanceled();
        _disposed.TrySetResult();
    }

    private static TaskCompletionSource<T> New<T>() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
