namespace SaasLlm.Core.Llm.Streaming;

/// <summary>What the calls of one stream were named by so far: each id and each name is given once.</summary>
internal sealed class StreamedCalls
{
    /// <summary>The place of a choice's <c>function_call</c>, which is none in a list.</summary>
    public const int Function = -1;

    private readonly Dictionary<(int Choice, int Place), string> _ids = [];
    private readonly Dictionary<(int Choice, int Place), string> _names = [];
    private readonly Dictionary<(int Choice, int Told), int> _places = [];

    /// <summary>
    /// The place of the call that a part belongs to. Some servers give each of several calls the place 0: one that comes with another id and
    /// a name is a call of its own, and gets the next place that is free. Another id without a name is not: some make a new one for every part.
    /// </summary>
    /// <param name="told">The server's.</param>
    public int PlaceOf(int choice, int told, string? id, bool hasName)
    {
        if (_places.TryGetValue((choice, told), out var place))
        {
            var isOther = hasName && id is { Length: > 0 } && _ids.TryGetValue((choice, place), out var before) && before != id;
            if (!isOther)
            {
                return place;
            }
        }

        var taken = _places.Where(known => known.Key.Choice == choice).Select(known => known.Value).ToHashSet();
        taken.UnionWith(_ids.Keys.Where(known => known.Choice == choice).Select(known => known.Place));
        place = taken.Contains(told) ? taken.Max() + 1 : told;
        _places[(choice, told)] = place;
        return place;
    }

    /// <summary>True for the first id of a call.</summary>
    public bool IsFirstId(int choice, int place, string id) => _ids.TryAdd((choice, place), id);

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
