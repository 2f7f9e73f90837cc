using System.Reflection;
using StackExchange.Redis;

namespace SaasLlm.Tests.Llm.Limits;

/// <summary>
/// A client of Redis that counts what is sent, and how often somebody waits for it: what is under way together is one wait, whoever sent it.
/// </summary>
public sealed class CountedRedis
{
    // What is sent without a wait between has gone out long before.
    private static readonly TimeSpan s_answersAfter = TimeSpan.FromMilliseconds(100);

    private readonly Lock _gate = new();
    private readonly List<string> _commands = [];
    private int _underWay;
    private int _waits;

    public static IConnectionMultiplexer Over(IConnectionMultiplexer redis, CountedRedis counted)
        => Intercepted<IConnectionMultiplexer>(redis, (_, result) => result is IDatabase database ? Intercepted(database, counted.Count) : result);

    /// <summary>What was sent since the last time, in order, and the number of waits for it; once nothing is under way.</summary>
    public async Task<(int Waits, string[] Commands)> TakeAsync()
    {
        while (true)
        {
            lock (_gate)
            {
                if (_underWay == 0)
                {
                    (int, string[]) taken = (_waits, [.. _commands]);
                    _commands.Clear();
                    _waits = 0;
                    return taken;
                }
            }

            await Task.Delay(s_answersAfter);
        }
    }

    private object? Count(MethodInfo method, object? result)
    {
        if (result is not Task answer)
        {
            return result;
        }

        lock (_gate)
        {
            _commands.Add(method.Name);
            _waits += _underWay++ == 0 ? 1 : 0;
        }

        return typeof(CountedRedis).GetMethod(nameof(LaterAsync), BindingFlags.Instance | BindingFlags.NonPublic)!
            .MakeGenericMethod(method.ReturnType.GetGenericArguments()).Invoke(this, [answer]);
    }

    private async Task<T> LaterAsync<T>(Task<T> answer)
    {
        try
        {
            await Task.Delay(s_answersAfter);
            return await answer;
        }
        finally
        {
            lock (_gate)
            {
                _underWay--;
            }
        }
    }

    private static T Intercepted<T>(T target, Func<MethodInfo, object?, object?> then)
        where T : class
    {
        var proxy = DispatchProxy.Create<T, Proxy>();
        ((Proxy)(object)proxy).Call = (method, arguments) => then(method, method.Invoke(target, BindingFlags.DoNotWrapExceptions, null, arguments, null));
        return proxy;
    }

    /// <summary>DispatchProxy derives from it, so it can be neither sealed nor internal.</summary>
    public class Proxy : DispatchProxy
    {
        public Func<MethodInfo, object?[]?, object?>? Call { get; set; }

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => Call!(targetMethod!, args);
    }
}
