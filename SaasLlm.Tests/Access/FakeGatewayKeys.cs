using SaasLlm.Core.Common;
using SaasLlm.Core.Llm;

namespace SaasLlm.Tests.Access;

/// <summary>A gateway whose provisioning does what a test wants.</summary>
internal sealed class FakeGatewayKeys : ITeamGatewayKeys
{
    /// <summary>What provisioning does.</summary>
    public Func<string, CancellationToken, Task<bool>> Provision { get; set; } = (_, _) => Task.FromResult(true);

    public Task<bool> ProvisionAsync(string teamId, CancellationToken cancellation) => Provision(teamId, cancellation);

    public ValueTask<Result<string>> GetAsync(string teamId, CancellationToken cancellation) => new((Result<string>)"sk-gateway");

    public Task<bool> ReplaceAsync(string teamId, string refusedKey, CancellationToken cancellation) => Task.FromResult(true);
}
