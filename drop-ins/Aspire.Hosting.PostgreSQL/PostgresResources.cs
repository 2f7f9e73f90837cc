using Aspire.Hosting.Postgres;

namespace Aspire.Hosting.ApplicationModel;

public class PostgresServerResource(string name, ParameterResource? userName, ParameterResource password)
    : ContainerResource(name), IResourceWithConnectionString
{
    private readonly Dictionary<string, string> _databases = new(StringComparer.OrdinalIgnoreCase);

    public EndpointReference PrimaryEndpoint => new(this, "tcp");

    public ParameterResource? UserNameParameter { get; set; } = userName;

    public ParameterResource PasswordParameter { get; set; } = password;

    public ReferenceExpression UserNameReference
        => UserNameParameter is null ? ReferenceExpression.Create($"postgres") : ReferenceExpression.Create($"{UserNameParameter}");

    public ReferenceExpression ConnectionStringExpression => ReferenceExpression.Create(
        $"Host={PrimaryEndpoint.Property(EndpointProperty.Host)};Port={PrimaryEndpoint.Property(EndpointProperty.Port)};Username={UserNameReference};Password={PasswordParameter}");

    public IReadOnlyDictionary<string, string> Databases => _databases;

    internal PostgresBinaries? Binaries { get; set; }

    internal void AddDatabase(string name, string databaseName) => _databases.Add(name, databaseName);
}

public class PostgresDatabaseResource(string name, string databaseName, PostgresServerResource postgresParentResource)
    : Resource(name), IResourceWithParent<PostgresServerResource>, IResourceWithConnectionString
{
    public PostgresServerResource Parent { get; } = postgresParentResource;

    public string DatabaseName { get; } = databaseName;

    public ReferenceExpression ConnectionStringExpression
        => ReferenceExpression.Create($"{Parent.ConnectionStringExpression};Database={DatabaseName}");
}
