using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace SaasLlm.Core.Failpoints;

/// <summary>
/// What the section <c>Failpoints</c> asks for: <c>Failpoints:&lt;name&gt;</c> is <c>kill</c>, <c>throw</c>, <c>skip</c> or
/// <c>delay:&lt;ms&gt;</c>; the first two take the number of the hit, for example <c>kill:3</c>, and otherwise mean the first.
/// <c>Failpoints:machine.clock</c> is <c>shift:&lt;ms&gt;</c>: this process' own clock is wrong by so much.
/// </summary>
public sealed class FailpointPlan
{
    public const string Section = "Failpoints";

    private const string MachineClock = "machine.clock";

    private readonly Dictionary<string, Order> _orders = new(StringComparer.Ordinal);

    private FailpointPlan(IEnumerable<IConfigurationSection> entries)
    {
        foreach (var entry in entries)
        {
            if (entry.Key == MachineClock)
            {
                Clock = new ShiftedClock(Shift(entry));
                continue;
            }

            if (!FailpointName.All.Contains(entry.Key, StringComparer.Ordinal))
            {
                throw new InvalidOperationException($"{Section}:{entry.Key}: there is no such failpoint. There are {string.Join(", ", FailpointName.All)}.");
            }

            _orders[entry.Key] = Order.Parse(entry);
        }
    }

    /// <summary>The clock of this process; null: the machine's.</summary>
    public TimeProvider? Clock { get; }

    /// <summary>Null when nothing is asked for. Production refuses to start with any.</summary>
    public static FailpointPlan? Read(IConfiguration configuration, IHostEnvironment environment)
    {
        var entries = configuration.GetSection(Section).GetChildren().ToList();
        if (entries.Count == 0)
        {
            return null;
        }

        return environment.IsProduction()
            ? throw new InvalidOperationException(
                $"{Section}:{entries[0].Key} is configured: failpoints break this process on purpose, and the environment is Production.")
            : new(entries);
    }

    internal void Hit(string name)
    {
        if (_orders.TryGetValue(name, out var order))
        {
            order.Carry(name);
        }
    }

    internal bool Skips(string name) => _orders.TryGetValue(name, out var order) && order.IsSkip;

    private static TimeSpan Shift(IConfigurationSection entry)
        => entry.Value?.Split(':', 2) is ["shift", var text] && int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var milliseconds)
            ? TimeSpan.FromMilliseconds(milliseconds)
            : throw new InvalidOperationException($"{entry.Path} is {entry.Value}: it is shift:<ms>.");

    private sealed class ShiftedClock(TimeSpan shift) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + shift;
    }

    private sealed class Order(string mode, int number)
    {
        private int _hits;

        public bool IsSkip => mode == "skip";

        public static Order Parse(IConfigurationSection entry)
        {
            var (mode, argument) = entry.Value?.Split(':', 2) switch
            {
                [var word, var text] => (word, text),
                [var word] => (word, "1"),
                _ => ("", ""),
            };
            return mode is "kill" or "throw" or "delay" or "skip"
                   && int.TryParse(argument, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0
                ? new(mode, number)
                : throw new InvalidOperationException($"{entry.Path} is {entry.Value}: it is kill, kill:<hit>, throw, throw:<hit>, delay:<ms> or skip.");
        }

        public void Carry(string name)
        {
            if (mode == "delay")
            {
                Thread.Sleep(number);
            }
            else if (mode != "skip" && Interlocked.Increment(ref _hits) == number)
            {
                Strike(name);
            }
        }

        private void Strike(string name)
        {
            if (mode == "throw")
            {
                throw new FailpointException(name);
            }

            // SIGKILL: no handler, no finally, no flush.
            using var self = Process.GetCurrentProcess();
            self.Kill();
            Thread.Sleep(Timeout.Infinite);
        }
    }
}

/// <summary>A failpoint that was told to throw.</summary>
public sealed class FailpointException(string name) : Exception($"The failpoint {name} was told to throw.");
