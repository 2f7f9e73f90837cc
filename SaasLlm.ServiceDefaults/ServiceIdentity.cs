namespace SaasLlm.ServiceDefaults;

/// <summary>The name a service gives itself in its health answer.</summary>
internal sealed record ServiceIdentity(string Name);
