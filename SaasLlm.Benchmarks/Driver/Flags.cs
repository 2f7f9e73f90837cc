using System.Globalization;

namespace SaasLlm.Benchmarks.Driver;

/// <summary>A verb's arguments: <c>--name value</c>. A name that nobody asked for is refused at the end.</summary>
internal sealed class Flags
{
    private readonly Dictionary<string, string> _given = new(StringComparer.Ordinal);
    private readonly HashSet<string> _known = new(StringComparer.Ordinal);

    public Flags(string[] args)
    {
        for (var index = 0; index < args.Length; index += 2)
        {
            if (!args[index].StartsWith("--", StringComparison.Ordinal) || index + 1 == args.Length)
            {
                throw new ArgumentException($"{args[index]}: arguments are --name value.");
            }

            _given[args[index][2..]] = args[index + 1];
        }
    }

    public string? Text(string name) => _known.Add(name) && _given.TryGetValue(name, out var text) ? text : null;

    public int Number(string name, int otherwise)
        => Text(name) is { } text ? int.Parse(text, NumberStyles.AllowThousands, CultureInfo.InvariantCulture) : otherwise;

    public TimeSpan Seconds(string name, double otherwise)
        => TimeSpan.FromSeconds(Text(name) is { } text ? double.Parse(text, CultureInfo.InvariantCulture) : otherwise);

    public int[] Numbers(string name, params int[] otherwise)
        => Text(name) is { } text ? [.. text.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(part => int.Parse(part, CultureInfo.InvariantCulture))] : otherwise;

    public string[] Words(string name, params string[] otherwise) => Text(name)?.Split(',') ?? otherwise;

    /// <summary>Call it when all flags were read.</summary>
    public void RefuseUnknown()
    {
        if (_given.Keys.FirstOrDefault(name => !_known.Contains(name)) is { } unknown)
        {
            throw new ArgumentException($"--{unknown} is not known here; there are {string.Join(", ", _known.Select(name => "--" + name))}.");
        }
    }
}
