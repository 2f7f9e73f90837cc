using System.ComponentModel.DataAnnotations;
using System.Security.Cryptography;
using System.Text;

namespace SaasLlm.ApiService.Platform.Access;

/// <summary>Who may operate this installation.</summary>
internal sealed class AccessOptions
{
    public const string Section = "Access";

    /// <summary>The operator's secret, sent as <c>X-Admin-Key</c> or as Bearer.</summary>
    [Required]
    [MinLength(16, ErrorMessage = "Access:AdminKey needs at least 16 characters.")]
    public string AdminKey
    {
        get;
        set => (field, AdminKeyHash) = (value, Hash(value));
    } = "";

    /// <summary>What a key that is sent is compared with: hashes have one length, so the comparison tells nothing of the key's.</summary>
    public byte[] AdminKeyHash { get; private set; } = [];

    public static byte[] Hash(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));
}
