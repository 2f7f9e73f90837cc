using System.Net.Http.Headers;
using Microsoft.AspNetCore.Http;
using SaasLlm.Benchmarks.Driver;

namespace SaasLlm.Benchmarks.Gateway.Servers;

/// <summary>The least that a gateway on Kestrel and HttpClient can do: neither authenticates nor stores anything, reads no body.</summary>
internal sealed class PassThroughVerb : IVerb
{
    public string Usage => "a bare pass-through, started by the verb gateway [--port n --upstream url]";

    public Task<int> RunAsync(string[] args, CancellationToken cancellation)
    {
        var flags = new Flags(args);
        var port = flags.Number("port", 0);
        var upstream = new Uri(flags.Text("upstream") ?? throw new ArgumentException("--upstream says where requests go."));
        flags.RefuseUnknown();
        var http = new HttpMessageInvoker(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false, UseProxy = false, ActivityHeadersPropagator = null });
        return ServerHost.RunAsync(port, context => PassAsync(context, http, upstream), cancellation);
    }

    private static async Task PassAsync(HttpContext context, HttpMessageInvoker http, Uri upstream)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(upstream, context.Request.Path));
        request.Content = new StreamContent(context.Request.Body);
        request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(context.Request.ContentType!);
        request.Content.Headers.ContentLength = context.Request.ContentLength;
        request.Headers.TryAddWithoutValidation("Authorization", context.Request.Headers.Authorization.ToString());
        using var answer = await http.SendAsync(request, context.RequestAborted);
        context.Response.StatusCode = (int)answer.StatusCode;
        context.Response.ContentType = answer.Content.Headers.ContentType?.ToString();
        context.Response.ContentLength = answer.Content.Headers.ContentLength;
        await answer.Content.CopyToAsync(context.Response.Body, context.RequestAborted);
    }
}
