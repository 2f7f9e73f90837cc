using System.Buffers.Binary;
using SaasLlm.Core.Common;

namespace SaasLlm.Core.Credits.Rules;

/// <summary>What a command is decided on.</summary>
/// <param name="Account">Null: no such team, or the command does not concern the account.</param>
/// <param name="Job">Null: no such job in this team.</param>
/// <param name="CallIsRecorded">The call of an <see cref="EndCall"/> has its row.</param>
/// <param name="Posted">The transaction that the command would post, if it was posted before: by its id, or by its grant's reference.</param>
internal sealed record LedgerState(AccountState? Account, JobState? Job, bool CallIsRecorded = false, PostedTransaction? Posted = null);

/// <summary>Ids for the rows that a decision may add; made before it, so that it stays a function of its input.</summary>
internal readonly record struct RowIds(Guid Transaction, Guid Message)
{
    public static RowIds New(TimeProvider time) => new(Uuid7.New(time), Uuid7.New(time));

    /// <summary>The id of the decision's message number <paramref name="index"/>, from 0.</summary>
    public Guid MessageAt(int index)
    {
        Span<byte> bytes = stackalloc byte[16];
        Message.TryWriteBytes(bytes, bigEndian: true, out _);
        // The last bytes are random: counting on from them keeps the id a UUIDv7 and in order.
        BinaryPrimitives.WriteUInt32BigEndian(bytes[12..], BinaryPrimitives.ReadUInt32BigEndian(bytes[12..]) + (uint)index);
        return new(bytes, bigEndian: true);
    }
}

/// <summary>What a command does: the caller's answer, the state after it, and the rows to add. A refusal may change state too (a late call is still recorded).</summary>
internal sealed record Decision<T>(Result<T> Answer, LedgerState State, IReadOnlyList<LedgerEntry> Entries)
{
    /// <summary>Nothing changes.</summary>
    public static Decision<T> Unchanged(LedgerState state, Result<T> answer) => new(answer, state, []);
}

/// <summary>A row that a decision adds, or an attempt that it closes.</summary>
internal abstract record LedgerEntry;

internal sealed record JobOpened(OpenJob Command, string OrganizationId, JobState Job) : LedgerEntry;

internal sealed record TransactionPosted(PostedTransaction Transaction) : LedgerEntry;

internal sealed record LotGranted(string TeamId, LotState Lot, LotTerms Terms) : LedgerEntry;

/// <summary>The account's terms, limit or thresholds were set; the amounts are none of this entry's business.</summary>
internal sealed record AccountConfigured(AccountState Account) : LedgerEntry;

internal sealed record AttemptStarted(
    string TeamId, JobId JobId, CallId CallId, AttemptIntent Attempt, DateTimeOffset StartedAt, DateTimeOffset DeadlineAt) : LedgerEntry;

internal sealed record AttemptClosed(string TeamId, AttemptEnd End, DateTimeOffset EndedAt) : LedgerEntry;

internal sealed record CallRecorded(EndCall Call, DateTimeOffset EndedAt) : LedgerEntry;

internal sealed record EventRaised(
    Guid MessageId, string TeamId, string Topic, string DedupeKey, string PayloadJson, DateTimeOffset OccurredAt) : LedgerEntry;
