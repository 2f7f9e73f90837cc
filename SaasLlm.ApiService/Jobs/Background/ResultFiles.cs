using System.Globalization;
using System.Text;
using System.Text.Json;
using SaasLlm.ApiService.Platform.Json;
using SaasLlm.ApiService.Platform.Lists;
using SaasLlm.Core.Jobs.Background;

namespace SaasLlm.ApiService.Jobs.Background;

/// <summary>Writes results as files, row by row.</summary>
internal static class ResultFiles
{
    private const string Header = "ordinal,name,status,content,error_code,error_message,tokens_used,latency_ms,ended_at\r\n";

    /// <summary>The format that the Accept header asks for; null: JSON.</summary>
    public static string? Asked(HttpRequest request)
    {
        var accepted = request.Headers.Accept.ToString();
        return accepted.Contains("text/csv", StringComparison.OrdinalIgnoreCase) ? "csv"
            : accepted.Contains("application/x-ndjson", StringComparison.OrdinalIgnoreCase) || accepted.Contains("application/jsonl", StringComparison.OrdinalIgnoreCase) ? "jsonl"
            : null;
    }

    public static async Task WriteCsvAsync(HttpContext context, IAsyncEnumerable<StepResult> results, CancellationToken cancellation)
    {
        context.Response.ContentType = "text/csv; charset=utf-8";
        await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(Header), cancellation);
        await foreach (var step in results)
        {
            string?[] cells =
            [
                Number(step.Ordinal), step.Name, step.Status, step.Content, step.ErrorCode, step.ErrorMessage, Number(step.Tokens), Number(step.LatencyMs),
                step.EndedAt?.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFF'Z'", CultureInfo.InvariantCulture),
            ];
            await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(string.Join(',', cells.Select(CsvCell.Of)) + "\r\n"), cancellation);
        }
    }

    public static async Task WriteJsonLinesAsync(HttpContext context, IAsyncEnumerable<StepResult> results, CancellationToken cancellation)
    {
        context.Response.ContentType = "application/x-ndjson";
        await foreach (var step in results)
        {
            await context.Response.Body.WriteAsync((byte[])[.. JsonSerializer.SerializeToUtf8Bytes(ResultResponse.Of(step), ApiJson.Options), (byte)'\n'], cancellation);
        }
    }

    private static string? Number(long? number) => number?.ToString(CultureInfo.InvariantCulture);
}
