namespace SaasLlm.Core.Pricing;

/// <summary>The prices of models, by version: what a version says never changes.</summary>
public interface IPriceBook
{
    /// <summary>The newest version, as far as this process has heard; a change is heard of within a second. 0: there is none.</summary>
    /// <exception cref="Npgsql.NpgsqlException">Neither Redis nor Postgres answered.</exception>
    ValueTask<long> NewestAsync(CancellationToken cancellation);

    /// <summary>
    /// Likewise, for a call to one of <paramref name="models"/>: where only the built-in list prices one, and the gateway's list was never read, it
    /// is read first. The gateway knows better, and what a call was told stays true of its job.
    /// </summary>
    /// <inheritdoc cref="NewestAsync(CancellationToken)"/>
    ValueTask<long> NewestAsync(IReadOnlyCollection<string> models, CancellationToken cancellation);

    /// <summary>
    /// The price of <paramref name="model"/> at <paramref name="version"/>. A model that had none then has the first one that it got since,
    /// so that a job opened before may use it, at one price. Null when it has none to this day.
    /// </summary>
    /// <inheritdoc cref="NewestAsync(CancellationToken)"/>
    ValueTask<ModelPrice?> FindAsync(string model, long version, CancellationToken cancellation);

    /// <summary>False while the gateway's list was never read: then a missing price says nothing about the model.</summary>
    bool IsKnown { get; }
}
