using System.Text.Json.Serialization;

namespace SaasLlm.ApiService.Platform.Json;

/// <summary>Reads the bodies of requests.</summary>
internal static class RequestBodies
{
    /// <summary>
    /// The body as <paramref name="type"/>. A body that is <c>null</c> is refused: FastEndpoints would make an empty request of it,
    /// and where a list replaces another, that empties it.
    /// </summary>
    public static async ValueTask<object?> ReadAsync(
        HttpRequest request, Type type, JsonSerializerContext? context, CancellationToken cancellation)
    {
        try
        {
            return await request.ReadFromJsonAsync(type, ApiJson.Options, cancellation)
                   ?? throw new UnreadableValueException("must not be null");
        }
        catch (InvalidOperationException)
        {
            // Bytes that are no UTF-8, or half of a surrogate pair, in a name.
            throw new UnreadableValueException("is not valid Unicode");
        }
    }
}
