using System.Collections.Concurrent;
using Aspire.Hosting.ApplicationModel;
using Spectre.Console;

namespace Aspire.Hosting.Embedded;

/// <summary>What the developer sees: prefixed logs, one table, failures with their remedy. Logs are also kept as files.</summary>
internal sealed class EmbeddedConsole(EmbeddedOptions options) : IDisposable
{
    private const int TailLength = 15;
    private static readonly Color[] s_colors = [Color.Aqua, Color.Yellow, Color.Fuchsia, Color.Green, Color.Blue, Color.Orange1, Color.Silver];

    private readonly Lock _gate = new();
    private readonly IAnsiConsole _out = Output();
    private readonly ConcurrentDictionary<string, Channel> _channels = new();

    public void Line(string resource, string text)
    {
        var channel = ChannelOf(resource);
        lock (_gate)
        {
            channel.Keep(text);
            if (!options.Testing)
            {
                _out.MarkupInterpolated($"[{channel.Color.ToMarkup()}]{resource,-10}[/] ");
                Console.WriteLine(text);
            }
        }
    }

    /// <summary>Into the resource's log file only.</summary>
    public void Keep(string resource, string text)
    {
        lock (_gate)
        {
            ChannelOf(resource).Keep(text);
        }
    }

    /// <summary>The last lines of a resource, for a message about its failure.</summary>
    public string Tail(string resource) => _channels.TryGetValue(resource, out var channel) ? channel.Tail() : "";

    public void Note(string text)
    {
        if (!options.Testing)
        {
            lock (_gate)
            {
                _out.MarkupLineInterpolated($"[grey]{text}[/]");
            }
        }
    }

    public void Failure(string text)
    {
        lock (_gate)
        {
            _out.MarkupLineInterpolated($"[red]Failed:[/] {text}");
        }
    }

    public void Table(IReadOnlyCollection<ResourceEvent> resources, string? dashboard, bool dashboardRuns, TimeSpan took)
    {
        if (options.Testing)
        {
            return;
        }

        var table = new Table().Border(TableBorder.Rounded).AddColumns("resource", "state", "address");
        foreach (var current in resources)
        {
            table.AddRow(
                new Text(current.Resource.Name),
                new Markup(State(current.Snapshot)),
                new Text(Address(current.Resource)));
        }

        if (dashboard is not null)
        {
            table.AddRow(new Text("dashboard"), new Markup(dashboardRuns ? "[green]running[/]" : "[yellow]being fetched[/]"), new Text(dashboard));
        }

        var state = resources.Any(current => current.Snapshot.Failed) ? "Not everything started" : "Ready";
        lock (_gate)
        {
            _out.WriteLine();
            _out.Write(table);
            _out.MarkupLineInterpolated(
                $"[grey]{state} after {took.TotalSeconds:F1} s. Data, secrets and logs: {options.Folder.Path}. Ctrl-C stops everything.[/]");
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            foreach (var channel in _channels.Values)
            {
                channel.Dispose();
            }
        }
    }

    // Into a file or a pipe: no colours, and no lines broken at the width of a terminal that is not there.
    private static IAnsiConsole Output()
    {
        if (!Console.IsOutputRedirected)
        {
            return AnsiConsole.Console;
        }

        var plain = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors });
        plain.Profile.Width = 400;
        return plain;
    }

    private Channel ChannelOf(string resource)
        => _channels.GetOrAdd(resource, name => new Channel(options.Folder.Sub("logs"), name, s_colors[_channels.Count % s_colors.Length]));

    private static string State(CustomResourceSnapshot snapshot) => snapshot switch
    {
        { Failed: true } => "[red]failed[/]",
        { ExitCode: { } code } => code == 0 ? "[green]done[/]" : $"[red]exited with {code}[/]",
        { Healthy: true } => "[green]running[/]",
        _ => "[yellow]starting[/]",
    };

    private static string Address(IResource resource)
    {
        if (resource is IResourceWithParent { Parent: { } parent })
        {
            return $"in {parent.Name}";
        }

        return string.Join(' ', resource.Annotations.OfType<EndpointAnnotation>()
            .Where(endpoint => endpoint.AllocatedPort is not null)
            .Select(endpoint => new EndpointReference((IResourceWithEndpoints)resource, endpoint.Name).Url));
    }

    private sealed class Channel(string folder, string name, Color color) : IDisposable
    {
        private readonly StreamWriter _file = new(Path.Combine(folder, name + ".log"), append: false) { AutoFlush = true };
        private readonly Queue<string> _tail = new();
        private bool _closed;

        public Color Color { get; } = color;

        public void Keep(string line)
        {
            if (_closed)
            {
                return;
            }

            _file.WriteLine(line);
            _tail.Enqueue(line);
            if (_tail.Count > TailLength)
            {
                _tail.Dequeue();
            }
        }

        public string Tail() => string.Join(Environment.NewLine, _tail);

        public void Dispose()
        {
            _closed = true;
            _file.Dispose();
        }
    }
}
