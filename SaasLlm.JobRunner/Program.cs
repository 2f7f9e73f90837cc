using SaasLlm.JobRunner;

return args switch
{
    ["migrate", ..] => await Migrate.RunAsync(args),
    ["seed", var scene, ..] => await Seed.RunAsync(scene, args),
    [] or [['-', ..], ..] => await Loops.RunAsync(args),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("usage: SaasLlm.JobRunner [migrate | seed testing-guide]");
    return 2;
}
