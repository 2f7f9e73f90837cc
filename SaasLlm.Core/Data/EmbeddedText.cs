namespace SaasLlm.Core.Data;

/// <summary>Reads the SQL and Lua files that are built into this assembly.</summary>
internal static class EmbeddedText
{
    /// <param name="name">The resource's name, for example <c>SaasLlm.Core.Data.Migrations.0001_tenants.sql</c>.</param>
    public static string Read(string name)
    {
        using var stream = typeof(EmbeddedText).Assembly.GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"The assembly holds no resource named {name}.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
