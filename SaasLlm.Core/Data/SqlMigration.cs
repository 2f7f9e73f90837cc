using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace SaasLlm.Core.Data;

/// <summary>A migration that is an embedded SQL file of the same name: <c>Migrations/0001_tenants.sql</c>.</summary>
internal abstract class SqlMigration : Migration
{
    protected override void Up(MigrationBuilder migrationBuilder)
    {
        var id = GetType().GetCustomAttributes(typeof(MigrationAttribute), inherit: false).Cast<MigrationAttribute>().Single().Id;
        migrationBuilder.Sql(EmbeddedText.Read($"SaasLlm.Core.Data.Migrations.{id}.sql"));
    }
}

[DbContext(typeof(SaasLlmDbContext)), Migration("0001_tenants")]
internal sealed class TenantsMigration : SqlMigration;

[DbContext(typeof(SaasLlmDbContext)), Migration("0002_model_groups")]
internal sealed class ModelGroupsMigration : SqlMigration;

[DbContext(typeof(SaasLlmDbContext)), Migration("0003_credits")]
internal sealed class CreditsMigration : SqlMigration;

[DbContext(typeof(SaasLlmDbContext)), Migration("0004_jobs")]
internal sealed class JobsMigration : SqlMigration;

[DbContext(typeof(SaasLlmDbContext)), Migration("0005_calls")]
internal sealed class CallsMigration : SqlMigration;

[DbContext(typeof(SaasLlmDbContext)), Migration("0007_idempotency")]
internal sealed class IdempotencyMigration : SqlMigration;

[DbContext(typeof(SaasLlmDbContext)), Migration("0008_reconciliation")]
internal sealed class ReconciliationMigration : SqlMigration;

[DbContext(typeof(SaasLlmDbContext)), Migration("0009_call_limits")]
internal sealed class CallLimitsMigration : SqlMigration;

[DbContext(typeof(SaasLlmDbContext)), Migration("0010_prices")]
internal sealed class PricesMigration : SqlMigration;

[DbContext(typeof(SaasLlmDbContext)), Migration("0011_group_gateways")]
internal sealed class GroupGatewaysMigration : SqlMigration;

[DbContext(typeof(SaasLlmDbContext)), Migration("0012_webhooks")]
internal sealed class WebhooksMigration : SqlMigration;

[DbContext(typeof(SaasLlmDbContext)), Migration("0013_background_jobs")]
internal sealed class BackgroundJobsMigration : SqlMigration;

[DbContext(typeof(SaasLlmDbContext)), Migration("0014_tasks")]
internal sealed class TasksMigration : SqlMigration;

[DbContext(typeof(SaasLlmDbContext)), Migration("0015_refills")]
internal sealed class RefillsMigration : SqlMigration;

[DbContext(typeof(SaasLlmDbContext)), Migration("0016_usage")]
internal sealed class UsageMigration : SqlMigration;

[DbContext(typeof(SaasLlmDbContext)), Migration("0017_retention")]
internal sealed class RetentionMigration : SqlMigration;

[DbContext(typeof(SaasLlmDbContext)), Migration("0018_jobs_that_run_themselves")]
internal sealed class JobsThatRunThemselvesMigration : SqlMigration;

[DbContext(typeof(SaasLlmDbContext)), Migration("0019_call_bodies")]
internal sealed class CallBodiesMigration : SqlMigration;

[DbContext(typeof(SaasLlmDbContext)), Migration("0020_step_waits")]
internal sealed class StepWaitsMigration : SqlMigration;

[DbContext(typeof(SaasLlmDbContext)), Migration("0021_partitions")]
internal sealed class PartitionsMigration : SqlMigration;

[DbContext(typeof(SaasLlmDbContext)), Migration("0022_step_keys")]
internal sealed class StepKeysMigration : SqlMigration;
