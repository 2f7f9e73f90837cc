using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace SaasLlm.Core.Llm.Bodies;

/// <summary>
/// An object that comes in parts, as OpenAI's chunks do: texts go on where they stopped, objects are added up member by member, and so are
/// members of lists that bear an <c>index</c>; others are appended. <c>role</c>, <c>id</c> and <c>type</c> come once.
/// </summary>
internal sealed class SaidObject
{
    // Says which item of a list a part belongs to, and is no member of it.
    private const string Place = "index";

    private readonly Dictionary<string, object> _members = new(StringComparer.Ordinal);

    public bool IsEmpty => _members.Count == 0;

    /// <summary>A part; how many bytes longer the object is with it, about.</summary>
    public int Add(JsonElement part)
    {
        var bytes = 0;
        foreach (var member in part.EnumerateObject())
        {
            switch (member.Value.ValueKind)
            {
                case JsonValueKind.Number when member.Name == Place:
                    break;
                case JsonValueKind.String when member.Name is not ("role" or "id" or "type"):
                    Get<StringBuilder>(member.Name).Append(member.Value.GetString());
                    bytes += JsonMarshal.GetRawUtf8Value(member.Value).Length - 2;
                    break;
                case JsonValueKind.Object:
                    bytes += Get<SaidObject>(member.Name).Add(member.Value);
                    break;
                case JsonValueKind.Array:
                    bytes += AddItems(Get<SortedDictionary<int, object>>(member.Name), member.Value);
                    break;
                case JsonValueKind.Null:
                    _members.TryAdd(member.Name, Copy(member.Value));
                    break;
                default:
                    _members[member.Name] = Copy(member.Value);
                    break;
            }
        }

        return bytes;
    }

    public void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        foreach (var (name, value) in _members)
        {
            writer.WritePropertyName(name);
            Write(writer, value);
        }

        writer.WriteEndObject();
    }

    private static int AddItems(SortedDictionary<int, object> items, JsonElement part)
    {
        var bytes = 0;
        foreach (var item in part.EnumerateArray())
        {
            if (item.ValueKind == JsonValueKind.Object && item.TryGetProperty(Place, out var place) && place.TryGetInt32(out var index))
            {
                if (!items.TryGetValue(index, out var known))
                {
                    items[index] = known = new SaidObject();
                }

                bytes += ((SaidObject)known).Add(item);
            }
            else
            {
                items[items.Count] = Copy(item);
                bytes += JsonMarshal.GetRawUtf8Value(item).Length;
            }
        }

        return bytes;
    }

    // Itself, an element holds the whole chunk that it is of.
    private static JsonElement Copy(JsonElement value) => JsonElement.Parse(JsonMarshal.GetRawUtf8Value(value));

    private static void Write(Utf8JsonWriter writer, object value)
    {
        switch (value)
        {
            case StringBuilder text:
                writer.WriteStringValue(text.ToString());
                break;
            case SaidObject said:
                said.Write(writer);
                break;
            case SortedDictionary<int, object> items:
                writer.WriteStartArray();
                foreach (var item in items.Values)
                {
                    Write(writer, item);
                }

                writer.WriteEndArray();
                break;
            default:
                ((JsonElement)value).WriteTo(writer);
                break;
        }
    }

    private T Get<T>(string name)
        where T : class, new()
    {
        if (_members.TryGetValue(name, out var known) && known is T same)
        {
            return same;
        }

        var made = new T();
        _members[name] = made;
        return made;
    }
}
