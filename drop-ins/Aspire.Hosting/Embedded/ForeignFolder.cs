using System.Security.Cryptography;
using System.Text;

namespace Aspire.Hosting.Embedded;

/// <summary>A folder that another user can work in: in the data folder, or under /var/lib where its parents are closed to that user.</summary>
internal static class ForeignFolder
{
    public static async Task<string> MakeAsync(DataFolder data, string name, string? user, CancellationToken cancellation)
    {
        var inside = data.Sub(name);
        if (user is null)
        {
            return inside;
        }

        await Commands.RunAsync("chown", [user, inside], cancellation);
        var (code, _) = await Commands.TryAsync("setpriv", [.. Commands.As(user), "test", "-w", inside], cancellation);
        if (code == 0)
        {
            return inside;
        }

        Directory.Delete(inside);
        var outside = System.IO.Path.Combine(Outside(data), name);
        Directory.CreateDirectory(outside);
        await Commands.RunAsync("chown", [user, outside], cancellation);
        return outside;
    }

    public static void Delete(DataFolder data)
    {
        if (Directory.Exists(Outside(data)))
        {
            Directory.Delete(Outside(data), recursive: true);
        }
    }

    private static string Outside(DataFolder data)
        => "/var/lib/saasllm/" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(data.Path)))[..12];
}
