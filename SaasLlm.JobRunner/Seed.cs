namespace SaasLlm.JobRunner;

/// <summary>The verb <c>seed</c>: writes a scene's data. Running it again changes nothing.</summary>
internal static class Seed
{
    public static Task<int> RunAsync(string scene, string[] args)
    {
        _ = args;
        Console.Error.WriteLine($"There is no scene named {scene}.");
        return Task.FromResult(2);
    }
}
