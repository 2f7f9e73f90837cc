using System.Net;
using Microsoft.Extensions.Options;
using SaasLlm.Core.Llm.Answers;

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
                if (response.IsSuccessStatusCode)
                {
                    turn.Pass();
                }

                response.Content = new CountedContent(response.Content, turn, options.Value.IsLiteLlm);
                return response;
            }
            // Where no connection was made, nothing was sent, and nothing is bought twice.
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested && CompletionClient.IsUnsent(exception))
            {
                turn.Fail();
                turn.Dispose();
                if (tries >= replicas.Count)
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

    /// <summary>Tells the address that gave an answer by what it says: one that is out of order is left alone for a while.</summary>
    /// <param name="content">The answer's.</param>
    public static void Judge(HttpContent content, GatewayAnswer answer) => (content as CountedContent)?.Judge(answer);

    /// <summary>A content that says when it is done with.</summary>
    private sealed class CountedContent : HttpContent
    {
        private readonly HttpContent _inner;
        private readonly GatewayReplicas.Turn _turn;
        private readonly bool _isLiteLlm;

        public CountedContent(HttpContent inner, GatewayReplicas.Turn turn, bool isLiteLlm)
        {
            (_inner, _turn, _isLiteLlm) = (inner, turn, isLiteLlm);
            foreach (var (name, values) in inner.Headers)
            {
                Headers.TryAddWithoutValidation(name, values);
            }
        }

        public void Judge(GatewayAnswer answer)
        {
            // What worked was told by its headers.
            if (answer.Status < 300)
            {
                return;
            }

            if (AnswerClassifier.Classify(answer, _isLiteLlm) == AnswerMeaning.GatewayDown)
            {
                _turn.Fail();
            }
            else
            {
                _turn.Pass();
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
