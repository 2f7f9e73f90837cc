using SaasLlm.Tests.Access;

namespace SaasLlm.Tests.Platform.Idempotency;

/// <summary>Does to the keys of a database what a crash does between the work and the storing of its answer.</summary>
internal static class LostAnswers
{
    /// <summary>Runs requests whose answers are not stored, and lets their claims lapse.</summary>
    public static async Task<T> WithoutAnswersAsync<T>(this ApiFixture api, Func<Task<T>> requests)
    {
        await api.ExecuteAsync("""
            CREATE OR REPLACE FUNCTION crash() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'crash'; END $$;
            CREATE TRIGGER crash BEFORE UPDATE ON idempotency_keys FOR EACH ROW WHEN (NEW.state <> 'running') EXECUTE FUNCTION crash();
            """);
        try
        {
            return await requests();
        }
        finally
        {
            await api.ExecuteAsync("DROP TRIGGER crash ON idempotency_keys");
            await api.LapseAsync();
        }
    }

    /// <summary>As if every attempt that is under way had died.</summary>
    public static Task LapseAsync(this ApiFixture api)
        => api.ExecuteAsync("UPDATE idempotency_keys SET lease_until = now() - interval '1 second' WHERE state = 'running'");

    public static async Task ExecuteAsync(this ApiFixture api, string sql)
    {
        await using var command = api.Database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }
}
