namespace SaasLlm.LiteLlmSimulator.Http;

/// <summary>
/// Ends a begun answer in its middle. Thrown up to Kestrel, which then sends what was written and closes the connection
/// without the end of the body; an abort would reset it and could take back what the client has not read yet.
/// </summary>
internal sealed class CutException() : Exception("The answer is cut here, as was asked for.");
