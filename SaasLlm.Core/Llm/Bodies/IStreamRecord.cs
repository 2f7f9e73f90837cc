using System.Text.Json;

namespace SaasLlm.Core.Llm.Bodies;

/// <summary>Remembers a stream while it is sent.</summary>
internal interface IStreamRecord
{
    /// <summary>Bytes of what was said so far, as it would be kept; about.</summary>
    int Bytes { get; }

    /// <summary>A part, as it was handed on.</summary>
    void Add(ReadOnlyMemory<byte> chunk);

    /// <summary>Forgets what it holds: it is longer than is kept. What comes is only counted.</summary>
    void Forget();

    /// <summary>The answer in one; undefined where nothing was sent.</summary>
    /// <param name="last">What ended a stream that succeeded; undefined where nothing does.</param>
    JsonElement Whole(JsonElement last);
}
