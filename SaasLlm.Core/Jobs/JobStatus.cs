namespace SaasLlm.Core.Jobs;

/// <summary>The words of <see cref="Job.Status"/>.</summary>
public static class JobStatus
{
    public const string Pending = "pending";
    public const string InProgress = "in_progress";
    public const string Completed = "completed";
    public const string Failed = "failed";
    public const string Cancelled = "cancelled";
    public const string Expired = "expired";

    /// <summary>True while calls may run and the hold stands.</summary>
    public static bool IsOpen(string status) => status is Pending or InProgress;
}
