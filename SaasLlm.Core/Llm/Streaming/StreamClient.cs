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
/// <param name="Whole">For all of it. What its reader holds up is not the provider's time, but longer than this nothing is handed on.</param>
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
        var sentAt = time.GetTimestamp();
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
            return await ReadAsync(gateway, stream, (int)response.StatusCode, reader, to, new(whole, pause, limits, sentAt), limit.Token);
        }
        catch (OperationCanceledException exception)
        {
            return Failed(new(0, default, limit.IsCancellationRequested ? TransportFault.TimedOut : CompletionClient.FaultOf(exception)));
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
        GatewayTarget gateway, Stream stream, int status, AnswerReader reader, LlmStream to, Clocks clocks, CancellationToken limit)
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
                if (time.GetElapsedTime(leftAt.Value) > clocks.Limits.Drain)
                {
                    return Failed(new(0, default, TransportFault.TimedOut));
                }
            }

            if (reader.Read(chunk) is { } given)
            {
                await HandOnAsync(given, reader, to, clocks);
                Failpoint.Hit(FailpointName.AfterChunk);
                clocks.Pause.CancelAfter(clocks.Limits.Gap);
            }
            else if (reader.HasContent)
            {
                clocks.Pause.CancelAfter(clocks.Limits.Gap);
            }

            if (reader.HasEnded)
            {
                break;
            }
        }

        if (!reader.IsWhole(isDone))
        {
            return Failed(isDone || reader.HasEnded ? new(status, default) : new(0, default, TransportFault.Cut));
        }

        if (reader.End() is { } end)
        {
            await HandOnAsync(end, reader, to, clocks);
        }

        return new(new(status, default), AnswerMeaning.Worked);
    }

    private async Task HandOnAsync(byte[] given, AnswerReader reader, LlmStream to, Clocks clocks)
    {
        (to.AnswerId, to.EventsSent) = (reader.AnswerId, reader.Events);
        // What came while its reader held it up is read to the end all the same, and billed: else a slow reader would read for nothing.
        if (clocks.Held > TimeSpan.Zero && clocks.Left(time) <= TimeSpan.Zero)
        {
            to.LeaveTooSlow();
        }

        if (!to.TryWrite(given))
        {
            await WaitForReaderAsync(given, to, clocks);
        }
    }

    // The clocks are the provider's: a slow reader must not run them down.
    private async Task WaitForReaderAsync(byte[] given, LlmStream to, Clocks clocks)
    {
        var since = time.GetTimestamp();
        clocks.Pause.CancelAfter(Timeout.InfiniteTimeSpan);
        clocks.Whole.CancelAfter(Timeout.InfiniteTimeSpan);
        await to.WriteAsync(given, clocks.Left(time), time);
        clocks.Held += time.GetElapsedTime(since);
        var left = clocks.Left(time) + clocks.Held;
        clocks.Whole.CancelAfter(left > TimeSpan.Zero ? left : TimeSpan.Zero);
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

    /// <summary>What ends an attempt.</summary>
    private sealed record Clocks(CancellationTokenSource Whole, CancellationTokenSource Pause, StreamLimits Limits, long SentAt)
    {
        /// <summary>How long the reader held the stream up.</summary>
        public TimeSpan Held { get; set; }

        /// <summary>Until nothing is handed on any more.</summary>
        public TimeSpan Left(TimeProvider time) => Limits.Whole - time.GetElapsedTime(SentAt);
    }

    // Null: [DONE].
    private static JsonElement? Parse(string eventType, ReadOnlySpan<byte> data)
        => data.Trim((byte)' ').SequenceEqual("[DONE]"u8) ? null : JsonElement.Parse(data);
}
