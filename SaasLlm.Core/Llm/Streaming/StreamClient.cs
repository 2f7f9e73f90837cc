using System.Net;
using System.Net.ServerSentEvents;
using System.Text.Json;
using Microsoft.Extensions.Options;
using SaasLlm.Core.Failpoints;
using SaasLlm.Core.Llm.Answers;
using SaasLlm.Core.Llm.Formats;
using SaasLlm.Core.Llm.Gateway;

namespace SaasLlm.Core.Llm.Streaming;

/// <summary>How one streamed attempt went.</summary>
/// <param name="Answer">The refusal or the fault; of a good stream, its status.</param>
internal sealed record StreamedAnswer(GatewayAnswer Answer, AnswerMeaning Meaning);

/// <summary>The limits of one streamed attempt.</summary>
/// <param name="FirstContent">Until there is something to give.</param>
/// <param name="Gap">Between two chunks.</param>
/// <param name="Whole">For all of it.</param>
/// <param name="Drain">After its reader has left.</param>
internal readonly record struct StreamLimits(TimeSpan FirstContent, TimeSpan Gap, TimeSpan Whole, TimeSpan Drain);

/// <summary>Sends one attempt that answers as a stream, and hands its chunks on as they come. Never retries, never throws for what the other side does.</summary>
internal sealed class StreamClient(HttpClient http, IOptions<GatewayOptions> options, TimeProvider time)
{
    private const int StatusOfUnknown = 500;

    /// <summary>One try, to its end. Nothing is handed on before its first content.</summary>
    public async Task<StreamedAnswer> StreamAsync(
        GatewayTarget gateway, CallFormat format, ReadOnlyMemory<byte> body, AnswerReader reader, LlmStream to, StreamLimits limits)
    {
        using var request = gateway.NewRequest(format.Path, body);
        // A compressor on the way would keep chunks back.
        request.Headers.AcceptEncoding.ParseAdd("identity");
        using var whole = new CancellationTokenSource(limits.Whole, time);
        using var pause = new CancellationTokenSource(limits.FirstContent, time);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(whole.Token, pause.Token);
        try
        {
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token);
            if (response.Content.Headers.ContentType?.MediaType != "text/event-stream")
            {
                var answer = await CompletionClient.ReadAnswerAsync(response, options.Value.AnswerBytesMax, time, limit.Token);
                // A whole answer where a stream was asked for holds nothing that could be streamed.
                var meaning = AnswerClassifier.Classify(answer, gateway.IsLiteLlm, format.HasResult);
                return new(answer, meaning == AnswerMeaning.Worked ? AnswerMeaning.ModelFailed : meaning);
            }

            await using var stream = new LimitedStream(await response.Content.ReadAsStreamAsync(limit.Token), options.Value.AnswerBytesMax);
            return await ReadAsync(gateway, stream, (int)response.StatusCode, reader, to, pause, limits, limit.Token);
        }
        catch (OperationCanceledException)
        {
            var fault = limit.IsCancellationRequested ? TransportFault.TimedOut : TransportFault.NotConnected;
            return Failed(new(0, default, fault));
        }
        catch (HttpRequestException exception)
        {
            return Failed(new(0, default, CompletionClient.FaultOf(exception)));
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException or InvalidOperationException or ProtocolViolationException
            or JsonException or ArgumentException)
        {
            return Failed(new(0, default, TransportFault.Cut));
        }
    }

    private async Task<StreamedAnswer> ReadAsync(
        GatewayTarget gateway, Stream stream, int status, AnswerReader reader, LlmStream to, CancellationTokenSource pause, StreamLimits limits,
        CancellationToken limit)
    {
        var isDone = false;
        long? leftAt = null;
        await foreach (var item in SseParser.Create(stream, Parse).EnumerateAsync(limit))
        {
            if (item.Data is not { } chunk)
            {
                isDone = true;
                break;
            }

            if (reader.ErrorIn(chunk) is { } error)
            {
                return Refused(error, gateway.IsLiteLlm);
            }

            if (to.HasLeft)
            {
                leftAt ??= time.GetTimestamp();
                if (time.GetElapsedTime(leftAt.Value) > limits.Drain)
                {
                    return Failed(new(0, default, TransportFault.TimedOut));
                }
            }

            if (reader.Read(chunk) is { } given)
            {
                (to.AnswerId, to.EventsSent) = (reader.AnswerId, reader.Events);
                // The clock is the provider's: a slow reader must not run it down.
                pause.CancelAfter(Timeout.InfiniteTimeSpan);
                await to.WriteAsync(given);
                Failpoint.Hit(FailpointName.AfterChunk);
                pause.CancelAfter(limits.Gap);
            }
            else if (reader.HasContent)
            {
                pause.CancelAfter(limits.Gap);
            }

            if (reader.HasEnded)
            {
                break;
            }
        }

        return reader.IsWhole(isDone)
            ? new(new(status, default), AnswerMeaning.Worked)
            : Failed(isDone || reader.HasEnded ? new(status, default) : new(0, default, TransportFault.Cut));
    }

    private static StreamedAnswer Refused(JsonElement error, bool isLiteLlm)
    {
        var answer = new GatewayAnswer(StatusOf(error), JsonSerializer.SerializeToUtf8Bytes(new { error }));
        return new(answer, AnswerClassifier.Classify(answer, isLiteLlm));
    }

    private static StreamedAnswer Failed(GatewayAnswer answer)
        => new(answer, answer.Fault switch
        {
            TransportFault.TimedOut => AnswerMeaning.TimedOut,
            TransportFault.NotConnected => AnswerMeaning.GatewayDown,
            _ => AnswerMeaning.ModelFailed,
        });

    private static int StatusOf(JsonElement error)
    {
        if (error.ValueKind != JsonValueKind.Object || !error.TryGetProperty("code", out var code))
        {
            return StatusOfUnknown;
        }

        var status = code.ValueKind switch
        {
            JsonValueKind.Number when code.TryGetInt32(out var number) => number,
            JsonValueKind.String when int.TryParse(code.GetString(), out var number) => number,
            JsonValueKind.String when code.ValueEquals("rate_limit_exceeded") => 429,
            _ => StatusOfUnknown,
        };
        return status is >= 400 and < 600 ? status : StatusOfUnknown;
    }

    // Null: [DONE].
    private static JsonElement? Parse(string eventType, ReadOnlySpan<byte> data)
        => data.Trim((byte)' ').SequenceEqual("[DONE]"u8) ? null : JsonElement.Parse(data);
}
