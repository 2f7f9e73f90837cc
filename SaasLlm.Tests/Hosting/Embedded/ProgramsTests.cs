using Aspire.Hosting.Embedded;

namespace SaasLlm.Tests.Hosting.Embedded;

/// <summary>Which of the machine's programs are there to be started.</summary>
public sealed class ProgramsTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("saasllm-programs-");

    public void Dispose() => _folder.Delete(recursive: true);

    // A machine whose postgresql had been removed kept a link to initdb: the start failed where it should have installed.
    [Fact]
    public void A_link_to_a_removed_program_is_passed_over_for_the_next_folder()
    {
        var (first, second) = (_folder.CreateSubdirectory("first").FullName, _folder.CreateSubdirectory("second").FullName);
        File.CreateSymbolicLink(Path.Combine(first, "initdb"), Path.Combine(_folder.FullName, "removed", "initdb"));

        Assert.Null(Programs.In([first, second], "initdb"));

        var program = Path.Combine(second, "initdb");
        File.WriteAllText(program, "");
        Assert.Equal(program, Programs.In([first, second], "initdb"));
    }

    [Fact]
    public void A_link_to_a_program_that_is_there_is_one()
    {
        var program = Path.Combine(_folder.FullName, "real");
        File.WriteAllText(program, "");
        var link = Path.Combine(_folder.FullName, "initdb");
        File.CreateSymbolicLink(link, program);

        Assert.Equal(link, Programs.In([_folder.FullName], "initdb"));
    }
}
