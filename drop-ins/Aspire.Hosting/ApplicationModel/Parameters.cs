using System.Security.Cryptography;
using Aspire.Hosting.Publishing;

namespace Aspire.Hosting.ApplicationModel;

public abstract class ParameterDefault
{
    public abstract void WriteToManifest(ManifestPublishingContext context);

    public abstract string GetDefaultValue();
}

/// <summary>A random default; in this stack it is always kept in the data folder.</summary>
public sealed class GenerateParameterDefault : ParameterDefault
{
    public int MinLength { get; set; } = 22;

    public bool Lower { get; set; } = true;

    public bool Upper { get; set; } = true;

    public bool Numeric { get; set; } = true;

    public bool Special { get; set; } = true;

    public int MinLower { get; set; }

    public int MinUpper { get; set; }

    public int MinNumeric { get; set; }

    public int MinSpecial { get; set; }

    public override void WriteToManifest(ManifestPublishingContext context)
        => throw new NotSupportedException("The Embedded stack does not publish.");

    public override string GetDefaultValue()
    {
        (bool Use, int Min, string Set)[] classes =
        [
            (Lower, MinLower, "abcdefghjkmnpqrstuvwxyz"),
            (Upper, MinUpper, "ABCDEFGHJKMNPQRSTUVWXYZ"),
            (Numeric, MinNumeric, "0123456789"),
            (Special, MinSpecial, "-_.{}~()*+!"),
        ];
        var used = classes.Where(kind => kind.Use).ToArray();
        var all = string.Concat(used.Select(kind => kind.Set));
        var letters = string.Concat(used.Select(kind => RandomNumberGenerator.GetString(kind.Set, kind.Min)));
        letters += RandomNumberGenerator.GetString(all, Math.Max(0, MinLength - letters.Length));
        var shuffled = letters.ToCharArray();
        RandomNumberGenerator.Shuffle(shuffled.AsSpan());
        return new string(shuffled);
    }
}

public class ParameterResource(string name, Func<ParameterDefault?, string> callback, bool secret = false)
    : Resource(name), IExpressionValue
{
    private readonly Lock _gate = new();
    private string? _value;

    public ParameterDefault? Default { get; set; }

    public bool Secret { get; } = secret;

    public string ValueExpression => $"{{{Name}.value}}";

    public ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            return ValueTask.FromResult<string?>(_value ??= callback(Default));
        }
    }
}
