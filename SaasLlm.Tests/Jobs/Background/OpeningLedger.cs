using System.Reflection;
using SaasLlm.Core.Credits;

namespace SaasLlm.Tests.Jobs.Background;

/// <summary>The ledger, with something that happens just before it opens a job.</summary>
public class OpeningLedger : DispatchProxy
{
    private ILedger? _ledger;
    private Func<OpenJob, Task>? _before;

    public static ILedger Before(ILedger ledger, Func<OpenJob, Task> before)
    {
        var proxy = Create<ILedger, OpeningLedger>();
        (((OpeningLedger)(object)proxy)._ledger, ((OpeningLedger)(object)proxy)._before) = (ledger, before);
        return proxy;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        if (targetMethod!.Name == nameof(ILedger.OpenJobAsync))
        {
            _before!((OpenJob)args![0]!).GetAwaiter().GetResult();
        }

        return targetMethod.Invoke(_ledger, args);
    }
}
