namespace SaasLlm.Core.Llm.Streaming;

/// <summary>What the calls of one stream were named by so far: each id and each name is given once.</summary>
internal sealed class StreamedCalls
{
    /// <summary>The place of a choice's <c>function_call</c>, which is none in a list.</summary>
    public const int Function = -1;

    private readonly HashSet<(int Choice, int Place)> _identified = [];
    private readonly Dictionary<(int Choice, int Place), string> _names = [];

    /// <summary>True for the first id of a call.</summary>
    public bool IsFirstId(int choice, int place) => _identified.Add((choice, place));

    /// <summary>The name, or null where it is empty or was given; what goes on with it is a further piece of it.</summary>
    public string? NewName(int choice, int place, string? name)
    {
        if (name is not { Length: > 0 } || (_names.TryGetValue((choice, place), out var before) && before == name))
        {
            return null;
        }

        _names[(choice, place)] = name;
        return name;
    }

    /// <summary>How a choice ends that nobody ended.</summary>
    public string FinishReason(int choice)
        => _names.Keys.Any(call => call.Choice == choice && call.Place != Function) ? "tool_calls"
            : _names.ContainsKey((choice, Function)) ? "function_call"
            : "stop";
}
