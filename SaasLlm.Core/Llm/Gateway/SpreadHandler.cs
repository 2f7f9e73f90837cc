using System.Net;
using Microsoft.Extensions.Options;

namespace SaasLlm.Core.Llm.Gateway;

/// <summary>Sends a request for the gateway to one of its addresses; the request counts there until its answer is read or left.</summary>
internal sealed class SpreadHandler(GatewayReplicas replicas, IOptions<GatewayOptions> options) : DelegatingHandler
{
    private readonly Uri _root = options.Value.Root;

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (GatewayTarget.IsDirect(request))
        {
            return await base.SendAsync(request, cancellationToken);
        }

        var path = _root.MakeRelativeUri(request.RequestUri!);
        for (var tries = 1; ; tries++)
        {
            var turn = replicas.Take();
            try
            {
                request.RequestUri = new Uri(turn.Root, path);
                var response = await base.SendAsync(request, cancellationToken);
                response.Content = new CountedContent(response.Content, turn);
                return response;
            }
            catch (HttpRequestException exception)
            {
                // Where no connection was made, nothing was sent, and nothing is bought twice.
                var isUnsent = CompletionClient.FaultOf(exception) == Answers.TransportFault.NotConnected;
                if (isUnsent)
                {
                    turn.Fail();
                }

                turn.Dispose();
                if (!isUnsent || tries >= replicas.Count)
                {
                    throw;
                }
            }
            catch
            {
                turn.Dispose();
                throw;
            }
        }
    }

    /// <summary>A content that says when it is done with.</summary>
    private sealed class CountedContent : HttpContent
    {
        private readonly HttpContent _inner;
        private readonly GatewayReplicas.Turn _turn;

        public CountedContent(HttpContent inner, GatewayReplicas.Turn turn)
        {
            (_inner, _turn) = (inner, turn);
            foreach (var (name, values) in inner.Headers)
            {
                Headers.TryAddWithoutValidation(name, values);
            }
        }

        protected override Task<Stream> CreateContentReadStreamAsync() => _inner.ReadAsStreamAsync();

        protected override Task<Stream> CreateContentReadStreamAsync(CancellationToken cancellationToken) => _inner.ReadAsStreamAsync(cancellationToken);

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => _inner.CopyToAsync(stream, context);

        protected override bool TryComputeLength(out long length)
        {
            length = _inner.Headers.ContentLength ?? 0;
            return _inner.Headers.ContentLength is not null;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                _inner.Dispose();
                _turn.Dispose();
            }

            base.Dispose(disposing);
        }
    }
}
