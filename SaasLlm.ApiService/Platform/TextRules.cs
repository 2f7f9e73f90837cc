using FluentValidation;

namespace SaasLlm.ApiService.Platform;

/// <summary>Rules for texts that people read.</summary>
internal static class TextRules
{
    /// <summary>Of one line, and something; null passes.</summary>
    public static IRuleBuilderOptions<T, string?> IsLine<T>(this IRuleBuilder<T, string?> rule, int maxLength)
        => rule
            .Must(text => text is null || !string.IsNullOrWhiteSpace(text)).WithMessage("must not be empty")
            .MaximumLength(maxLength)
            .Must(text => text is null || !text.Any(char.IsControl)).WithMessage("must not hold control characters");

    /// <summary>What such a rule lets pass, where no validator reads the text.</summary>
    public static bool IsLine(string text, int maxLength) => text.Length <= maxLength && !string.IsNullOrWhiteSpace(text) && !text.Any(char.IsControl);
}
