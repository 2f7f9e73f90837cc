using Microsoft.EntityFrameworkCore;
using SaasLlm.Core.Background;
using SaasLlm.Core.Common;
using SaasLlm.Core.Credits;
using SaasLlm.Core.Credits.Reconciliation;
using SaasLlm.Core.Credits.Refills;
using SaasLlm.Core.Idempotency;
using SaasLlm.Core.Jobs;
using SaasLlm.Core.Jobs.Background;
using SaasLlm.Core.Llm;
using SaasLlm.Core.Llm.Bodies;
using SaasLlm.Core.ModelGroups;
using SaasLlm.Core.Organizations;
using SaasLlm.Core.Outbox;
using SaasLlm.Core.Pricing;
using SaasLlm.Core.Teams;
using SaasLlm.Core.Usage;
using SaasLlm.Core.Webhooks;

namespace SaasLlm.Core.Data;

/// <summary>
/// The tables as EF sees them. The schema itself is the SQL under Migrations; a test holds the two against each other.
/// Jobs, accounts, transactions, calls and attempts are written by the ledger only; here they are read.
/// </summary>
public sealed class SaasLlmDbContext(DbContextOptions<SaasLlmDbContext> options) : DbContext(options)
{
    public DbSet<Organization> Organizations => Set<Organization>();

    public DbSet<Team> Teams => Set<Team>();

    public DbSet<TeamKey> TeamKeys => Set<TeamKey>();

    public DbSet<TeamGatewayKey> TeamGatewayKeys => Set<TeamGatewayKey>();

    public DbSet<ModelGroup> ModelGroups => Set<ModelGroup>();

    public DbSet<ModelGroupModel> ModelGroupModels => Set<ModelGroupModel>();

    public DbSet<TeamModelGroup> TeamModelGroups => Set<TeamModelGroup>();

    public DbSet<TeamCredits> TeamCredits => Set<TeamCredits>();

    public DbSet<CreditTransaction> CreditTransactions => Set<CreditTransaction>();

    public DbSet<CreditLot> CreditLots => Set<CreditLot>();

    public DbSet<CreditRefill> CreditRefills => Set<CreditRefill>();

    public DbSet<JobType> JobTypes => Set<JobType>();

    public DbSet<Job> Jobs => Set<Job>();

    public DbSet<BackgroundJob> BackgroundJobs => Set<BackgroundJob>();

    public DbSet<BackgroundStep> BackgroundSteps => Set<BackgroundStep>();

    public DbSet<BackgroundTeam> BackgroundTeams => Set<BackgroundTeam>();

    public DbSet<LlmCallRecord> LlmCalls => Set<LlmCallRecord>();

    public DbSet<LlmAttempt> LlmAttempts => Set<LlmAttempt>();

    public DbSet<LlmCallBody> LlmCallBodies => Set<LlmCallBody>();

    public DbSet<OutboxMessage> Outbox => Set<OutboxMessage>();

    public DbSet<ReconciliationRun> ReconciliationRuns => Set<ReconciliationRun>();

    public DbSet<ReconciliationDifference> ReconciliationDifferences => Set<ReconciliationDifference>();

    public DbSet<PriceVersion> PriceVersions => Set<PriceVersion>();

    public DbSet<ModelPriceRow> ModelPrices => Set<ModelPriceRow>();

    public DbSet<WebhookEndpoint> WebhookEndpoints => Set<WebhookEndpoint>();

    public DbSet<WebhookDelivery> WebhookDeliveries => Set<WebhookDelivery>();

    public DbSet<WebhookAttempt> WebhookAttempts => Set<WebhookAttempt>();

    public DbSet<IdempotencyKey> IdempotencyKeys => Set<IdempotencyKey>();

    public DbSet<ScheduledTask> ScheduledTasks => Set<ScheduledTask>();

    public DbSet<UsageRollup> UsageRollups => Set<UsageRollup>();

    public DbSet<UsageWatermark> UsageWatermark => Set<UsageWatermark>();

    /// <summary>The clock of everything that concerns money; only inside a query.</summary>
    public static DateTimeOffset LedgerNow() => throw new NotSupportedException("Postgres alone knows this time.");

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder.HasDbFunction(() => LedgerNow()).HasName("ledger_now");
        MapTenants(modelBuilder);
        MapModelGroups(modelBuilder);
        MapLedger(modelBuilder);
        MapReconciliation(modelBuilder);
        MapPrices(modelBuilder);
        MapBackground(modelBuilder);
        MapWebhooks(modelBuilder);
        modelBuilder.Entity<IdempotencyKey>(table => table.HasKey(k => new { k.Caller, k.Scope }));
        MapUsage(modelBuilder);
        modelBuilder.Entity<ScheduledTask>(table => table.HasKey(t => t.Name));
        SnakeCase.Apply(modelBuilder);
    }

    private static void MapTenants(ModelBuilder model)
    {
        model.Entity<Organization>(table =>
        {
            table.HasKey(o => o.OrganizationId);
            table.Property(o => o.Metadata).HasColumnType("jsonb");
        });
        model.Entity<Team>(table =>
        {
            table.HasKey(t => t.TeamId);
            table.Property(t => t.Metadata).HasColumnType("jsonb");
            table.HasOne<Organization>().WithMany().HasForeignKey(t => t.OrganizationId).OnDelete(DeleteBehavior.NoAction);
        });
        model.Entity<TeamKey>(table =>
        {
            table.HasKey(k => new { k.TeamId, k.KeyId });
            table.HasOne<Team>().WithMany().HasForeignKey(k => k.TeamId).OnDelete(DeleteBehavior.NoAction);
        });
        model.Entity<TeamGatewayKey>(table =>
        {
            table.HasKey(k => k.TeamId);
            table.Property(k => k.NextAttemptAt).HasDefaultValueSql("now()");
            table.HasOne<Team>().WithOne().HasForeignKey<TeamGatewayKey>(k => k.TeamId).OnDelete(DeleteBehavior.NoAction);
        });
    }

    private static void MapModelGroups(ModelBuilder model)
    {
        model.Entity<ModelGroup>(table =>
        {
            table.HasKey(g => g.GroupName);
            table.Property(g => g.Settings).HasColumnType("jsonb");
            table.HasMany(g => g.Models).WithOne().HasForeignKey(m => m.GroupName).OnDelete(DeleteBehavior.Cascade);
        });
        model.Entity<ModelGroupModel>(table => table.HasKey(m => new { m.GroupName, m.Priority }));
        model.Entity<TeamModelGroup>(table =>
        {
            table.HasKey(g => new { g.TeamId, g.GroupName });
            table.Property(g => g.GrantedAt).HasDefaultValueSql("now()");
            table.HasOne<Team>().WithMany().HasForeignKey(g => g.TeamId).OnDelete(DeleteBehavior.NoAction);
            table.HasOne<ModelGroup>().WithMany().HasForeignKey(g => g.GroupName).OnDelete(DeleteBehavior.Cascade);
        });
    }

    private static void MapLedger(ModelBuilder model)
    {
        model.Entity<TeamCredits>(table =>
        {
            table.HasKey(c => c.TeamId);
            table.Property(c => c.MarkupPercent).HasPrecision(9, 4);
            // Read-only in EF: the database's default fills it when a team is made.
            table.Property(c => c.MonthStart).HasDefaultValueSql("(date_trunc('month', now() AT TIME ZONE 'utc'))::date");
            table.HasOne<Team>().WithOne().HasForeignKey<TeamCredits>(c => c.TeamId).OnDelete(DeleteBehavior.NoAction);
        });
        model.Entity<CreditTransaction>(table => table.HasKey(t => new { t.TeamId, t.Sequence }));
        model.Entity<CreditLot>(table =>
        {
            table.HasKey(l => new { l.TeamId, l.LotId });
            table.Property(l => l.IsOpen).ValueGeneratedOnAddOrUpdate();
        });
        model.Entity<CreditRefill>(table =>
        {
            table.HasKey(r => r.TeamId);
            table.HasOne<Team>().WithOne().HasForeignKey<CreditRefill>(r => r.TeamId).OnDelete(DeleteBehavior.NoAction);
        });
        model.Entity<JobType>(table => table.HasKey(t => t.Name));
        model.Entity<Job>(table =>
        {
            table.HasKey(j => new { j.TeamId, j.JobId });
            table.Property(j => j.Metadata).HasColumnType("jsonb");
            table.Property(j => j.MarkupPercent).HasPrecision(9, 4);
        });
        model.Entity<LlmCallRecord>(table => table.HasKey(c => new { c.TeamId, c.CallId }));
        model.Entity<LlmAttempt>(table => table.HasKey(a => new { a.TeamId, a.AttemptId }));
        model.Entity<LlmCallBody>(table => table.HasKey(b => new { b.TeamId, b.CallId, b.ExpiresAt }));
        model.Entity<OutboxMessage>(table =>
        {
            table.HasKey(m => m.MessageId);
            table.Property(m => m.Payload).HasColumnType("jsonb");
        });
    }

    private static void MapBackground(ModelBuilder model)
    {
        model.Entity<BackgroundJob>(table => table.HasKey(j => new { j.TeamId, j.JobId }));
        model.Entity<BackgroundStep>(table => table.HasKey(s => new { s.TeamId, s.JobId, s.Ordinal }));
        model.Entity<BackgroundTeam>(table => table.HasKey(t => t.TeamId));
    }

    private static void MapPrices(ModelBuilder model)
    {
        model.Entity<PriceVersion>(table => table.HasKey(v => v.Version));
        model.Entity<ModelPriceRow>(table =>
        {
            table.HasKey(p => new { p.ModelName, p.Version });
            table.Property(p => p.InputUsdPerMillion).HasPrecision(20, ModelPrice.Scale);
            table.Property(p => p.OutputUsdPerMillion).HasPrecision(20, ModelPrice.Scale);
            table.Property(p => p.CachedInputUsdPerMillion).HasPrecision(20, ModelPrice.Scale);
            table.Property(p => p.CacheWriteUsdPerMillion).HasPrecision(20, ModelPrice.Scale);
            table.Property(p => p.ReasoningUsdPerMillion).HasPrecision(20, ModelPrice.Scale);
            table.HasOne<PriceVersion>().WithMany().HasForeignKey(p => p.Version).OnDelete(DeleteBehavior.NoAction);
        });
    }

    private static void MapWebhooks(ModelBuilder model)
    {
        model.Entity<WebhookEndpoint>(table =>
        {
            table.HasKey(e => e.EndpointId);
            table.HasOne<Organization>().WithMany().HasForeignKey(e => e.OrganizationId).OnDelete(DeleteBehavior.NoAction);
            table.HasOne<Team>().WithMany().HasForeignKey(e => e.TeamId).OnDelete(DeleteBehavior.NoAction);
        });
        model.Entity<WebhookDelivery>(table => table.HasKey(d => new { d.EndpointId, d.MessageId }));
        model.Entity<WebhookAttempt>(table => table.HasKey(a => new { a.EndpointId, a.MessageId, a.AttemptNumber }));
    }

    private static void MapReconciliation(ModelBuilder model)
    {
        model.Entity<ReconciliationRun>(table => table.HasKey(r => r.RunId));
        model.Entity<ReconciliationDifference>(table =>
        {
            table.HasKey(d => d.DifferenceId);
            table.Property(d => d.Expected).HasColumnType("numeric");
            table.Property(d => d.Found).HasColumnType("numeric");
        });
    }

    private static void MapUsage(ModelBuilder model)
    {
        const int SumPrecision = 28;
        model.Entity<UsageWatermark>(table => table.HasKey(w => w.OnlyRow));
        model.Entity<UsageRollup>(table =>
        {
            table.HasKey(u => new { u.TeamId, u.Grain, u.PerUser, u.Bucket, u.ModelGroup, u.Model, u.JobType, u.UserId });
            table.Property(u => u.ClientCostUsd).HasPrecision(SumPrecision, Money.UsdScale);
            table.Property(u => u.ProviderCostUsd).HasPrecision(SumPrecision, Money.UsdScale);
            table.Property(u => u.RevenueUsd).HasPrecision(SumPrecision, Money.UsdScale);
            table.Property(u => u.CreditsCharged).HasPrecision(SumPrecision, Money.CreditScale);
            table.Property(u => u.CreditsRefunded).HasPrecision(SumPrecision, Money.CreditScale);
            table.Property(u => u.CreditsUnpriced).HasPrecision(SumPrecision, Money.CreditScale);
        });
    }
}
