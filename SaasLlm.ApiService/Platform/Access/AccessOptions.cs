using System.ComponentModel.DataAnnotations;

namespace SaasLlm.ApiService.Platform.Access;

/// <summary>Who may operate this installation.</summary>
internal sealed class AccessOptions
{
    public const string Section = "Access";

    /// <summary>The operator's secret, sent as <c>X-Admin-Key</c> or as Bearer.</summary>
    [Required]
    [MinLength(16, ErrorMessage = "Access:AdminKey needs at least 16 characters.")]
    public string AdminKey { get; set; } = "";
}
