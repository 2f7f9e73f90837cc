namespace SaasLlm.LiteLlmSimulator;

/// <summary>What the simulator is started with; every name can be given as an argument or in the environment.</summary>
internal sealed class SimulatorOptions
{
    /// <summary>The admin key. Empty: no key is configured and every caller is the admin, as with LiteLLM.</summary>
    public string MasterKey { get; init; } = "";

    /// <summary>A further folder of recordings whose cases are added to, or replace, the project's own.</summary>
    public string? FurtherRecordings { get; init; }

    /// <summary>True: every stream ends with a usage chunk, asked for or not (<c>always_include_stream_usage</c>).</summary>
    public bool AlwaysIncludeStreamUsage { get; init; }

    /// <summary>A file with a <c>model_list</c> as in LiteLLM's configuration, but in JSON, that is added to the catalogue.</summary>
    public string? ModelsFile { get; init; }

    public static SimulatorOptions From(IConfiguration configuration) => new()
    {
        MasterKey = configuration["MasterKey"] ?? configuration["LITELLM_MASTER_KEY"] ?? "",
        FurtherRecordings = configuration["SAASLLM_RECORDINGS"],
        AlwaysIncludeStreamUsage = configuration.GetValue("AlwaysIncludeStreamUsage", false),
        ModelsFile = configuration["Models"],
    };
}
