namespace Aspire.Hosting.ApplicationModel;

public abstract class ContainerFileSystemItem
{
    public string Name { get; set; } = "";

    public int? Owner { get; set; }

    public int? Group { get; set; }

    public UnixFileMode Mode { get; set; }
}

public abstract class ContainerFileBase : ContainerFileSystemItem
{
    public string? Contents { get; set; }

    public string? SourcePath { get; set; }
}

public sealed class ContainerFile : ContainerFileBase;
