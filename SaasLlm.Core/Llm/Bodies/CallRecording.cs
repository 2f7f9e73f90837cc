using System.Text.Json;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;

namespace SaasLlm.Core.Llm.Bodies;

/// <summary>Remembers what one call asks and is answered, until its end; only made where the team keeps it.</summary>
internal sealed class CallRecording(LlmCall call, CallId callId, string modelGroup, int keepDays, int bytesMax, CallBodyQueue queue)
{
    private readonly BodyText _request = BodyText.Of(call.Sent, bytesMax);
    private IStreamRecord? _stream;
    private bool _isTooLong;
    private Exception? _broken;

    /// <summary>A part of a streamed answer, as it is handed on. Never throws.</summary>
    public void Add(ReadOnlyMemory<byte> chunk)
    {
        _stream ??= call.Route == LlmRoute.Responses ? new EventsRecord() : new ChunksRecord();
        try
        {
            _stream.Add(chunk);
            if (!_isTooLong && _stream.Bytes > bytesMax)
            {
                _isTooLong = true;
                _stream.Forget();
            }
        }
        catch (Exception exception)
        {
            // The call goes on, and is worth more than its copy.
            _broken ??= exception;
        }
    }

    /// <summary>Waits for the call's end, and has kept what there is of it; says how the call ended, whatever becomes of its copy.</summary>
    /// <param name="clock">Nothing is kept of a call that did not begin: it has no id that anybody knows.</param>
    public async Task<Result<LlmAnswer>> FollowAsync(Task<Result<LlmAnswer>> running, CallClock clock)
    {
        var result = await running;
        if (clock.HasBegun)
        {
            queue.Keep(() => Body(result));
        }

        return result;
    }

    private CallBody Body(Result<LlmAnswer> result)
    {
        if (_broken is not null)
        {
            throw new InvalidOperationException("The stream could not be put together.", _broken);
        }

        return new(call.TeamId, callId, call.JobId, modelGroup, result.Failure?.Code, keepDays, _request, Answer(result));
    }

    private BodyText Answer(Result<LlmAnswer> result)
    {
        var last = result.Failure is null ? result.Value.Response : default;
        if (_stream is null)
        {
            return result.Failure is null ? Text(last, result.Value.Usage) : default;
        }

        // The whole of a response is in its last event, however long its events were.
        return _isTooLong && last.ValueKind == JsonValueKind.Undefined ? new(null, _stream.Bytes) : Text(_stream.Whole(last), null);
    }

    private BodyText Text(JsonElement answer, TokenUsage? usage)
        => BodyText.Of(call.AsAnswered is { } form && answer.ValueKind == JsonValueKind.Object ? form(answer, usage) : answer, bytesMax);
}
