using System.Net.Http.Headers;
using System.Text;
using SaasLlm.Tests.Infrastructure;

namespace SaasLlm.Tests.EndToEnd;

/// <summary>The running product's simulator, told what to do.</summary>
internal static class SimulatorControl
{
    private static int s_holds;

    /// <summary>A model that does not answer before <see cref="ReleaseAsync"/>.</summary>
    public static (string Model, int Hold) NewHold()
    {
        var hold = Interlocked.Increment(ref s_holds);
        return ($"mock/hold-{hold}", hold);
    }

    public static Task ReleaseAsync(this TestApp app, int hold) => PostAsync(app, "/simulator/release", $$"""{"hold":{{hold}}}""");

    public static Task ArmAsync(this TestApp app, string fault) => PostAsync(app, "/simulator/faults", fault);

    private static async Task PostAsync(TestApp app, string path, string json)
    {
        using var http = new HttpClient { BaseAddress = app.Simulator };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", AppFixture.MasterKey);
        using var body = new StringContent(json, Encoding.UTF8, "application/json");
        using var answer = await http.PostAsync(new Uri(path, UriKind.Relative), body);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }
}
