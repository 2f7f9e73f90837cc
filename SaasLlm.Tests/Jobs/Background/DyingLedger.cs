using System.Reflection;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;

namespace SaasLlm.Tests.Jobs.Background;

/// <summary>The ledger, to a process that dies before it can end a call.</summary>
public class DyingLedger : DispatchProxy
{
    private ILedger? _ledger;

    public static ILedger Before(ILedger ledger)
    {
        var proxy = Create<ILedger, DyingLedger>();
        ((DyingLedger)(object)proxy)._ledger = ledger;
        return proxy;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
        => targetMethod!.Name == nameof(ILedger.EndCallAsync)
            ? Task.FromException<Result<Accepted>>(new InvalidOperationException("The process died here."))
            : targetMethod.Invoke(_ledger, args);
}
