using Npgsql;

namespace SaasLlm.Core.Pricing;

/// <summary>The book's names in Redis. Models of one name may stand in several databases that share a Redis.</summary>
internal static class PriceKeys
{
    public static string NameOf(NpgsqlDataSource database) => new NpgsqlConnectionStringBuilder(database.ConnectionString).Database ?? "";

    public static string Newest(string database) => $"{{prices:{database}}}:newest";
}
