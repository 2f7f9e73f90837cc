using FsCheck;
using FsCheck.Fluent;

namespace SaasLlm.Tests.Credits.Programs;

internal enum Verb
{
    Grant,
    Open,
    Single,
    Start,
    Next,
    End,
    Close,
    Refund,
    Adjust,
    Expire,
    Clock,
    Configure,
    Repeat,
    Commit,
}

/// <summary>One step of a random program: data, so that a failing program shrinks. What the numbers mean, <see cref="Script"/> says.</summary>
internal readonly record struct Step(Verb Verb, int A, int B, int C)
{
    public override string ToString() => $"new(Verb.{Verb}, {A}, {B}, {C})";
}

/// <summary>A program, printed as C# that can be pasted into a test.</summary>
internal sealed record Steps(IReadOnlyList<Step> List)
{
    public override string ToString() => $"[{string.Join(", ", List)}]";

    public static Arbitrary<Steps> Arbitrary(int length) => Arb.From(
        Gen.ArrayOf(AnyStep(), length).Select(steps => new Steps(steps)), Shrink);

    private static Gen<Step> AnyStep()
        => from verb in Gen.Frequency(
               (10, Gen.Constant(Verb.Grant)), (22, Gen.Constant(Verb.Open)), (10, Gen.Constant(Verb.Single)), (18, Gen.Constant(Verb.Start)), (4, Gen.Constant(Verb.Next)),
               (16, Gen.Constant(Verb.End)), (22, Gen.Constant(Verb.Close)), (8, Gen.Constant(Verb.Refund)), (6, Gen.Constant(Verb.Adjust)),
               (5, Gen.Constant(Verb.Expire)), (7, Gen.Constant(Verb.Clock)), (6, Gen.Constant(Verb.Configure)),
               (10, Gen.Constant(Verb.Repeat)), (20, Gen.Constant(Verb.Commit)))
           from a in Gen.Choose(0, 255)
           from b in Gen.Choose(0, 255)
           from c in Gen.Choose(0, 255)
           select new Step(verb, a, b, c);

    // First whole stretches go, then single steps, then what the steps say.
    private static IEnumerable<Steps> Shrink(Steps program)
    {
        var steps = program.List;
        for (var width = steps.Count / 2; width > 0; width /= 2)
        {
            for (var from = 0; from < steps.Count; from += width)
            {
                yield return new([.. steps.Take(from), .. steps.Skip(from + width)]);
            }
        }

        for (var index = 0; index < steps.Count; index++)
        {
            foreach (var simpler in Simpler(steps[index]))
            {
                yield return new([.. steps.Take(index), simpler, .. steps.Skip(index + 1)]);
            }
        }
    }

    private static IEnumerable<Step> Simpler(Step step)
    {
        if (step.A > 0)
        {
            yield return step with { A = step.A / 2 };
        }

        if (step.B > 0)
        {
            yield return step with { B = step.B / 2 };
        }

        if (step.C > 0)
        {
            yield return step with { C = step.C / 2 };
        }
    }
}
