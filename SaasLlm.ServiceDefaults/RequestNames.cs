using System.Diagnostics;
using OpenTelemetry;

namespace SaasLlm.ServiceDefaults;

/// <summary>Names a request's span as the conventions say, <c>POST /api/jobs/create</c>: the framework leaves its own name.</summary>
internal sealed class RequestNames : BaseProcessor<Activity>
{
    public override void OnEnd(Activity data)
    {
        if (data.Kind == ActivityKind.Server
            && data.GetTagItem("http.request.method") is string method
            && (data.GetTagItem("http.route") ?? data.GetTagItem("url.path")) is string route)
        {
            data.DisplayName = $"{method} {route}";
        }
    }
}
