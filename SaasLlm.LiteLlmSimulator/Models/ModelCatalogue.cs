using System.Text.Json;
using SaasLlm.LiteLlmSimulator.Http;
using SaasLlm.LiteLlmSimulator.Playing;

namespace SaasLlm.LiteLlmSimulator.Models;

/// <summary>The models that are served, in the order of <c>/model/info</c>.</summary>
internal sealed class ModelCatalogue
{
    private const decimal Million = 1_000_000m;

    private readonly Dictionary<string, SimulatedModel> _byName = [];
    private readonly Dictionary<string, SimulatedModel> _byId = [];
    private readonly List<SimulatedModel> _all = [];

    public ModelCatalogue(SimulatorOptions options)
    {
        if (options.ModelsFile is { } file)
        {
            Configured(File.ReadAllBytes(file));
        }
        else
        {
            Own();
        }
    }

    /// <summary>Without the wildcards.</summary>
    public IEnumerable<SimulatedModel> Named => _all.Where(model => !model.IsWildcard);

    public IReadOnlyList<SimulatedModel> All => _all;

    public SimulatedModel? ById(string id) => _byId.GetValueOrDefault(id);

    /// <summary>The model behind a name or a deployment's id; a wildcard's rows are made as they are asked for.</summary>
    public SimulatedModel? Find(string name)
    {
        if ((_byName.GetValueOrDefault(name) ?? _byId.GetValueOrDefault(name)) is { } model)
        {
            return model;
        }

        var slash = name.IndexOf('/', StringComparison.Ordinal);
        return slash > 0 && _byName.GetValueOrDefault(name[..slash] + "/*") is { } wildcard
            ? wildcard with { Name = name, Provider = name.StartsWith("openai/", StringComparison.Ordinal) ? name : wildcard.Provider }
            : null;
    }

    private void Add(SimulatedModel model)
    {
        _all.Add(model);
        _byName.TryAdd(model.Name, model);
        _byId.TryAdd(model.Id, model);
    }

    private void Own()
    {
        using var stream = typeof(ModelCatalogue).Assembly.GetManifestResourceStream("Models/catalogue")!;
        using var document = JsonDocument.Parse(stream);
        foreach (var row in document.RootElement.GetProperty("models").EnumerateArray())
        {
            Add(new(
                row.StringOf("name")!,
                row.StringOf("provider")!,
                row.StringOf("mode"),
                Number(row, "input") / Million,
                Number(row, "output") / Million,
                Number(row, "cache_read") / Million,
                (int?)Number(row, "max_input_tokens"),
                (int?)Number(row, "max_output_tokens"),
                More: row.Has("more", out var more) ? more.Node()!.AsObject() : null));
        }

        // Listed by name as well, for a price list that does not know wildcards.
        var mock = _byName["mock/*"];
        foreach (var alias in Aliases.Known)
        {
            Add(mock with { Name = "mock/" + alias });
        }
    }

    /// <summary>A <c>model_list</c> as in LiteLLM's configuration; what it does not price is priced as LiteLLM's map would.</summary>
    private void Configured(byte[] json)
    {
        var known = new ModelCatalogue(new SimulatorOptions());
        using var document = JsonDocument.Parse(json);
        foreach (var row in document.RootElement.GetProperty("model_list").EnumerateArray())
        {
            var parameters = row.GetProperty("litellm_params");
            var provider = parameters.StringOf("model")!;
            var info = row.Has("model_info", out var given) ? given : parameters;
            var mapped = known.Named.FirstOrDefault(model => model.Provider == provider || model.Name == info.StringOf("base_model"));
            Add(new(
                row.StringOf("model_name")!,
                provider,
                info.StringOf("mode") ?? mapped?.Mode,
                Number(parameters, "input_cost_per_token") ?? Number(info, "input_cost_per_token") ?? mapped?.InputCost,
                Number(parameters, "output_cost_per_token") ?? Number(info, "output_cost_per_token") ?? mapped?.OutputCost,
                mapped?.CacheReadCost,
                (int?)Number(info, "max_input_tokens") ?? mapped?.MaxInputTokens,
                (int?)Number(info, "max_output_tokens") ?? mapped?.MaxOutputTokens,
                info.StringOf("id"),
                mapped?.More));
        }

        Add(known._byName["mock/*"]);
        Add(known._byName["recorded/*"]);
    }

    private static decimal? Number(JsonElement row, string name) => row.Has(name, out var value) ? value.GetDecimal() : null;
}
