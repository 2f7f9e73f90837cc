using SaasLlm.LiteLlmSimulator;

await Simulator.Build(args).RunAsync();
