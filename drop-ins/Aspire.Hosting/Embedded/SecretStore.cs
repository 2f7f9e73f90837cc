using System.Text.Json;

namespace Aspire.Hosting.Embedded;

/// <summary>Generated parameters, kept in the data folder so that the data can be opened again.</summary>
internal sealed class SecretStore(DataFolder folder, bool readOnly)
{
    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true };
    private readonly Lock _gate = new();
    private SortedDictionary<string, string>? _values;

    private string File => Path.Combine(folder.Path, "secrets.json");

    public string GetOrAdd(string name, Func<string> generate)
    {
        lock (_gate)
        {
            _values ??= Read();
            if (!_values.TryGetValue(name, out var value))
            {
                _values[name] = value = generate();
                if (!readOnly)
                {
                    Write(_values);
                }
            }

            return value;
        }
    }

    private SortedDictionary<string, string> Read()
        => System.IO.File.Exists(File)
            ? JsonSerializer.Deserialize<SortedDictionary<string, string>>(System.IO.File.ReadAllText(File))!
            : [];

    private void Write(SortedDictionary<string, string> values)
    {
        Directory.CreateDirectory(folder.Path);
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using var stream = new FileStream(File, options);
        JsonSerializer.Serialize(stream, values, s_indented);
    }
}
