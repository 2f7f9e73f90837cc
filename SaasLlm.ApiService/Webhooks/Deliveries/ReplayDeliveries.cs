using FastEndpoints;
using FluentValidation;
using SaasLlm.ApiService.Platform.Access;
using SaasLlm.ApiService.Platform.Errors;
using SaasLlm.ApiService.Platform.Idempotency;
using SaasLlm.ApiService.Platform.Lists;
using SaasLlm.Core.Common;
using SaasLlm.Core.Webhooks;

namespace SaasLlm.ApiService.Webhooks.Deliveries;

/// <summary>Sends many messages again: all that failed, or a range.</summary>
internal sealed class ReplayDeliveries(DeliveryLog log, TimeProvider time) : Endpoint<ReplayDeliveriesRequest, ReplayDeliveriesResponse>
{
    public override void Configure()
    {
        Post("/{webhook_id}/replay");
        Group<WebhooksGroup>();
        // The body may be left out.
        Description(d => d.Accepts<ReplayDeliveriesRequest>("application/json", "*/*").ProducesProblem(403));
        Summary(s =>
        {
            s.Summary = "Sends what failed, or a range, again";
            s.Description = "Without a body all that is `dead` or `dropped`, of any time; with `include_delivered` what has arrived too. Oldest first, "
                + "at most 1000 in one request: where there is more, ask again with `cursor` set to the answer's `next_cursor`.";
            s.ExampleRequest = new(
                WebhookResponse.Example.WebhookId, new(2026, 1, 31, 0, 0, 0, TimeSpan.Zero), new(2026, 2, 1, 0, 0, 0, TimeSpan.Zero), "job.completed", false, null);
            s.ResponseExamples[200] = new ReplayDeliveriesResponse(12, null);
        });
    }

    public override async Task HandleAsync(ReplayDeliveriesRequest request, CancellationToken ct)
    {
        var caller = HttpContext.GetCaller();
        if (OwnWebhooks.RefuseChange(caller) is { } refused)
        {
            await Send.FailureAsync(refused);
            return;
        }

        Guid? after = request.Cursor is not null && Cursor.TryDecode(request.Cursor, out var key) ? Guid.Parse(key) : null;
        var replayed = await log.ReplayAsync(
            request.WebhookId, caller.Team?.TeamId,
            new(request.IncludeDelivered ?? false, request.Event, request.From?.ToUniversalTime(), request.To?.ToUniversalTime()),
            after, HttpContext.GetWork(time), ct);
        await replayed.Match(
            done => Send.OkAsync(new ReplayDeliveriesResponse(done.Count, done.After is { } last ? Cursor.Encode(last.ToString()) : null), ct),
            failure => Send.FailureAsync(failure));
    }
}

/// <param name="From">Events from this time on.</param>
/// <param name="To">Events before this time.</param>
/// <param name="Event">Only this event.</param>
/// <param name="Cursor">The <c>next_cursor</c> of the request before.</param>
internal sealed record ReplayDeliveriesRequest(
    [property: RouteParam] Guid WebhookId, DateTimeOffset? From, DateTimeOffset? To, string? Event, bool? IncludeDelivered, string? Cursor);

/// <param name="Replayed">How many will be sent again.</param>
/// <param name="NextCursor">Null: there is no more.</param>
internal sealed record ReplayDeliveriesResponse(int Replayed, string? NextCursor);

internal sealed class ReplayDeliveriesValidator : Validator<ReplayDeliveriesRequest>
{
    public ReplayDeliveriesValidator()
    {
        RuleFor(r => r.Event).MaximumLength(64);
        RuleFor(r => r.Cursor).IsIdCursor();
    }
}
