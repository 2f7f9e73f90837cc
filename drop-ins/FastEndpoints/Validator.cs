using FluentValidation;
using FluentValidation.Results;

namespace FastEndpoints;

/// <summary>Found by discovery; one instance serves all requests.</summary>
public interface IEndpointValidator;

/// <summary>Validates a request before its handler runs.</summary>
public abstract class Validator<TRequest> : AbstractValidator<TRequest>, IEndpointValidator where TRequest : notnull;

/// <summary>Ends a request with the faults that were found.</summary>
public class ValidationFailureException(IEnumerable<ValidationFailure> failures, string message) : Exception(message)
{
    public IEnumerable<ValidationFailure> Failures { get; } = failures;

    public int? StatusCode { get; set; }
}
