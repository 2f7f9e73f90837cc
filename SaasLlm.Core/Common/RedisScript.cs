using SaasLlm.Core.Data;
using StackExchange.Redis;

namespace SaasLlm.Core.Common;

/// <summary>A Lua script, asked for by its hash: given the text, the client looks its hash up by all of the text, each time.</summary>
public sealed class RedisScript(string text)
{
    private byte[]? _hash;
    private int _isAsked;

    /// <param name="name">A resource of this assembly.</param>
    public static RedisScript Embedded(string name) => new(EmbeddedText.Read(name));

    /// <summary>A script made of others: each takes the place that bears its name, for example <c>--[[admit.lua]]</c>.</summary>
    /// <param name="parts">The name in the text, and the resource that it stands for.</param>
    public static RedisScript Composed(string name, params ReadOnlySpan<(string Place, string Name)> parts)
    {
        var text = EmbeddedText.Read(name);
        foreach (var part in parts)
        {
            text = text.Replace($"--[[{part.Place}]]", EmbeddedText.Read(part.Name), StringComparison.Ordinal);
        }

        return new(text);
    }

    /// <summary>Runs it; Redis is given the text as long as its hash is not known, and again when it has forgotten it.</summary>
    public Task<RedisResult> EvaluateAsync(IDatabase database, RedisKey[] keys, RedisValue[] values)
    {
        if (Volatile.Read(ref _hash) is { } hash)
        {
            return ByHashAsync(hash, database, keys, values);
        }

        // The first calls do not wait for it.
        var reply = database.ScriptEvaluateAsync(text, keys, values);
        if (Interlocked.Exchange(ref _isAsked, 1) == 0)
        {
            _ = LearnHashAsync(database);
        }

        return reply;
    }

    private async Task<RedisResult> ByHashAsync(byte[] hash, IDatabase database, RedisKey[] keys, RedisValue[] values)
    {
        try
        {
            return await database.ScriptEvaluateAsync(hash, keys, values);
        }
        catch (RedisServerException exception) when (exception.Message.StartsWith("NOSCRIPT", StringComparison.Ordinal))
        {
            // Not by the client's own way with texts: it believes to know what Redis knows, and a call is lost when Redis forgot.
            object[] arguments = [text, keys.Length, .. keys.Cast<object>(), .. values.Cast<object>()];
            return await database.ExecuteAsync("EVAL", arguments);
        }
    }

    // Redis says the hash, which is the same wherever the script is loaded.
    private async Task LearnHashAsync(IDatabase database)
    {
        try
        {
            Volatile.Write(ref _hash, Convert.FromHexString(((string?)await database.ExecuteAsync("SCRIPT", "LOAD", text))!));
        }
        catch (Exception exception) when (exception is RedisException or TimeoutException or ObjectDisposedException or OperationCanceledException)
        {
            Volatile.Write(ref _isAsked, 0);
        }
    }
}
