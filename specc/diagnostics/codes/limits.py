"""E4: limits and budgets."""

from __future__ import annotations

from specc.diagnostics.codes.code import Code

CODES = (
    Code(
        "E401",
        "nested too deep",
        """\
Brackets, expressions and calls of blocks may be nested 64 levels deep (expressions 100).
Networks that people draw need five or six; what goes deeper is nearly always a mistake, and
without a limit a few bytes of text could keep the checker busy for ever.

A block cannot use itself, since it may only use what stands above it. But a block can be handed
to itself as a parameter, and then it calls itself through that parameter without end:

Wrong:

    input 64x32x32
    block twice(f) { f f=f ; f f=f }
    twice f=twice

Right:

    input 64x32x32
    block twice(f) { f ; f }
    twice f=relu

A chain of equal steps is no reason to nest: write `x3` after the step, or after a group.
""",
    ),
    Code(
        "E402",
        "too many",
        """\
A number is larger than anything that a network can use: more than 100,000 layers once all
blocks and repeats are written out, or a value beyond 2^62, where torch itself stops counting.
A fraction may have 600 digits: arithmetic is exact, and each product is longer than its factors.

Usually a digit or a unit slipped in, or two parameters were swapped, so that a width stands
where a depth should be. Repeats multiply: a group of 10 layers that is repeated 100 times,
inside a block that is called 100 times, has 10 · 100 · 100 = 100,000 layers. Blocks, groups and
branches are counted too, up to 300,000 with the layers in them: a block with nothing in it is
a step too.

A list of lists grows in the same way: after `param p = [3 3]`, `param q = [p p]` holds four
numbers. A value with names in it may have 1,000 parts.

Wrong:

    input 64x32x32
    relu x200000

Right:

    input 64x32x32
    relu x20
""",
    ),
    Code(
        "E403",
        "larger than any machine",
        """\
Up to the marked step the network has more than 2^34 parameters, or its layers give more than
2^34 values for a single sample. At four bytes each that is 64 GiB for the weights alone. It is
refused here, by counting, before anything of that size is allocated.

The product of two innocent numbers is the usual cause. A linear layer has

    inputs · outputs + outputs

parameters. A picture of 3×224×224 that is flattened without any pooling has 150,528 features,
so a linear layer of 150,528 outputs after it has 150,528² ≈ 22.7 billion of them.

Wrong:

    input 3x224x224
    flatten -> linear 150528

Right:

    input 3x224x224
    conv 16 k3 s2 -> relu -> gap -> flatten -> linear 1000

Make the picture smaller before `flatten`: stride, pooling, or `gap`, which leaves one number per
channel.
""",
    ),
    Code(
        "E404",
        "over budget",
        """\
The spec itself sets a bound with `budget`, and the network is above it. Nothing is wrong with
the layers: either the network has grown or the bound is too tight.

What is counted, for one sample:

- `params`: all values in trainable tensors, frozen ones too;
- `macs`: multiplications of a weight and a value, in convolutions and linear layers;
- `memory`: 4 bytes × (2 × parameters + the values of the input and of every step's output). The
  2 is for the weights and their gradients, the outputs are kept for the backward pass.

A convolution from 3 to 64 channels with a 3×3 kernel has 3·3·3·64 weights and 64 biases, which
makes 1,792 parameters, and 32·32·64·27 = 1,769,472 multiplications on a 32×32 picture.

Wrong:

    input 3x32x32
    budget params <= 1K
    conv 64 k3 p1

Right:

    input 3x32x32
    budget params <= 2K
    conv 64 k3 p1

`specc summary` shows where the parameters and the multiplications are.
""",
    ),
)
