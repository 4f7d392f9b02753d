"""E3: shapes that do not fit."""

from __future__ import annotations

from specc.diagnostics.codes.code import Code

CODES = (
    Code(
        "E301",
        "a window that does not fit",
        """\
A convolution or a pooling slides a window over the picture and writes one number for every
place where the window stands. Here there is no such place: the window is larger than the
picture.

How many places are there? Count them along one dimension of n pixels. Padding adds p pixels on
each side, so the window moves over n + 2p pixels, numbered from 0. A window of k pixels that
lie d apart (the dilation, usually 1) reaches from its first pixel to the one d·(k−1) further
on. It has to end on the last pixel, n + 2p − 1, or before, so its first pixel is at most number

    n + 2p − d·(k−1) − 1

Windows begin at 0, s, 2s, … for a stride of s. As many steps of s fit up to there as the
division by s gives, rounded down; and the window at 0, before any step, is one more:

    ⌊(n + 2p − d·(k−1) − 1) / s⌋ + 1

Worked through with LeNet-5: 32 pixels and a 5×5 kernel give (32 − 4 − 1)/1 + 1 = 28, pooling by
2 gives ⌊(28 − 1 − 1)/2⌋ + 1 = 14, the second convolution 14 − 4 = 10, the second pooling 5, the
third convolution 1. One more pooling by 2 would have ⌊(1 − 1 − 1)/2⌋ + 1 = −1 + 1 = 0 places:
this error.

Wrong:

    input 1x32x32
    conv 6 k5 -> avgpool 2
    conv 16 k5 -> avgpool 2
    conv 120 k5 -> avgpool 2

Right:

    input 1x32x32
    conv 6 k5 -> avgpool 2
    conv 16 k5 -> avgpool 2
    conv 120 k5

Usual causes: one pooling too many; a network for 224×224 pictures used on 32×32 ones; `p1`
forgotten, so that every 3×3 convolution takes two pixels away; channels written last (`32x32x3`
is a picture with 32 channels, 32 pixels high and 3 wide).

A transposed convolution goes the other way: each of its n pixels paints a window of d·(k−1) + 1
pixels, s pixels further than the one before. The last window begins at (n − 1)·s, and the
padding cuts p pixels off each side of what was painted:

    (n − 1)·s + d·(k−1) + 1 − 2p + output_padding

From 7 pixels, a kernel of 4, a stride of 2 and a padding of 1 give 6·2 + 3 + 1 − 2 = 14. Here it
is the padding that can leave nothing.
""",
    ),
    Code(
        "E302",
        "a layer that does not take this rank",
        """\
A shape is written channels first. What follows the channels are the spatial dimensions, and
their number is the rank: a vector (`784`) has none, a signal (`1x16000`) one, an image
(`3x32x32`) two, a volume three. Most layers work at every rank with the same word, but some
need a particular one:

- Convolutions and poolings slide over space, so a vector is not enough.
- `linear` multiplies one weight with every feature of a vector. An image has to be laid out in
  a row first, by `flatten`: 16×5×5 becomes 16·5·5 = 400 features. You need not work that number
  out.
- A kernel `3x5` has two numbers, one for each spatial dimension of an image; a signal takes
  one.

Wrong:

    input 1x28x28
    conv 16 k5 -> relu
    linear 10

Right:

    input 1x28x28
    conv 16 k5 -> relu
    flatten
    linear 10

After `gap` the shape is still an image, of 1×1 pixels: `gap -> flatten -> linear 10`.
`unflatten 16x5x5` leads the other way, from a vector to an image.
""",
    ),
    Code(
        "E303",
        "channels that cannot be divided",
        """\
Some layers cut the channels into equal parts: `groups` of a convolution, `groupnorm`,
`channelshuffle`, the branches of `split`; `pixelshuffle r` makes one channel out of r². The
number of channels has to be a multiple of the number of parts, since a part with fewer channels
would need other weights. Where a `split` says its parts, as in `split 16 _ 32 { a | b | c }`, they
have to come to the channels that arrive; `_` is what is left, one channel at least.

For 48 channels and 5 groups, 48 / 5 leaves 3. The divisors of 48 are 1, 2, 3, 4, 6, 8, 12, 16,
24 and 48. With 6 groups, each of the 96 filters of a 3×3 convolution sees 48 / 6 = 8 channels: it
has 8·3·3 = 72 weights in place of 48·3·3 = 432, a sixth of them. In a convolution with groups
both sides are cut: group 1 of the output sees only group 1 of the input, so input and output
channels must each be a multiple.

`prelu` learns one factor for all channels or one for each; any other number of factors is this
error.

Wrong:

    input 48x16x16
    conv 96 k3 p1 g5

Right:

    input 48x16x16
    conv 96 k3 p1 g6

Widths that are powers of two, or multiples of 8 as `divisible(c, 8)` gives them, seldom get in
the way.
""",
    ),
    Code(
        "E304",
        "values that cannot be rearranged",
        """\
`unflatten` folds a vector into a shape without making or losing values, so the product of the
shape has to be the number of features that arrive. `slice start end` keeps the channels from
number start up to, but not including, end, so both have to lie within what is there, and start
below end.

A decoder that begins with `linear 400` can go on with `unflatten 16x5x5`, since 16·5·5 = 400.
With `unflatten 16x6x6` it would need 16·6·6 = 576 features.

Wrong:

    input 32
    linear 400 -> relu
    unflatten 16x6x6

Right:

    input 32
    linear 576 -> relu
    unflatten 16x6x6
""",
    ),
    Code(
        "E305",
        "padding that torch refuses",
        """\
The sizes would work out, but torch does not build or run a layer with this padding:

- A pool may be padded by at most half its window, rounded down. With more, a window could stand
  on padding alone, and its largest value would be −∞: a window of 3 takes a padding of 1.
- `same` asks for an output of the input's size, and only a stride of 1 gives that.
- `mode=reflect` fills the margin with the pixels next to the border, mirrored. The border
  itself is the mirror and is not repeated, so n pixels can fill a margin of n − 1.
  `mode=circular` continues with the opposite side: a margin of n.
- `output_padding` of a transposed convolution chooses among the sizes that a stride rounds down
  to one, so it has to be below the stride (or the dilation).

Wrong:

    input 3x32x32
    conv 64 k3 s2 same

Right:

    input 3x32x32
    conv 64 k3 s2 p1

Where does the number come from? An output of the input's size means, in the formula of E301,

    ⌊(n + 2p − (k−1) − 1) / s⌋ + 1 = n

With s = 1 that is n + 2p − k + 1 = n, so p = (k − 1)/2: 1 for a kernel of 3, 2 for 5. An even
kernel needs half a pixel on each side, so `same` gives one side a pixel more. With s = 2 the left
side is about n/2 + p, and no small p makes that n; what people mean there is the padding of
stride 1, which gives 32 pixels ⌊(32 + 2 − 2 − 1)/2⌋ + 1 = 16.
""",
    ),
    Code(
        "E306",
        "a checked shape that does not hold",
        """\
`:: 64x16x16` after a step is a promise: this shape leaves here. It is compared with the shape
that was worked out, and they differ. `_` matches any one dimension, but the number of
dimensions must agree.

Either the note is out of date, because something above it was changed, or it is right and the
network is not what you had in mind. In the second case look above: the first checked shape that
fails is the place to begin.

Wrong:

    input 3x32x32
    conv 64 k3     :: 64x32x32

Right:

    input 3x32x32
    conv 64 k3     :: 64x30x30

Without padding, a 3×3 kernel takes one pixel on every side: 32 − 3 + 1 = 30. With `p1` the
first note would have been right. `specc fmt --shapes` rewrites all notes.

After a repeated step the note concerns what leaves the last repeat.
""",
    ),
    Code(
        "E307",
        "branches that do not fit together",
        """\
The branches of a form all begin with the same input, and their outputs are joined
again:

- `concat` puts the channels of one behind those of the other, like sheets on a pile. The sheets
  must have the same height and width; only the number of channels may differ.
- `add`, and `residual`, which adds what the branch gives to what arrived, sum number by number:
  the whole shapes must agree.
- `mul` and `gate` multiply number by number; a dimension of 1 goes with every size, so that
  64×1×1 can scale the channels of 64×8×8.

In a residual network the body often changes the shape. From 64×32×32, `conv 128 k3 s2 p1` gives
128×16×16, because ⌊(32 + 2 − 2 − 1)/2⌋ + 1 = 16. The input, 64×32×32, cannot be added to that.
He et al. send it through a 1×1 convolution of the same stride and width, which `shortcut auto`
writes for you.

Wrong:

    input 64x32x32
    residual { conv 128 k3 s2 p1 -> bn }

Right:

    input 64x32x32
    residual { conv 128 k3 s2 p1 -> bn } shortcut auto

In a `concat`, look for the branch that lacks padding: `p1` goes with `k3`, `p2` with `k5`, and
a pool inside a branch needs `s1 p1`. `shortcut auto` reports this code where no stride of a 1×1
convolution leads to the body's size, for example where the body forgot its padding.
""",
    ),
    Code(
        "E308",
        "weights that do not fit",
        """\
A layer's weights were given in the spec, by `weight=`, `bias=`, `gamma=`, `beta=` or `init=`,
and they do not fit the tensor that they are to fill.

The weight of a convolution has the shape output channels × input channels per group × kernel. A
single 2×2 filter on a grey picture is 1×1×2×2; leading dimensions of size 1 may be left out, so
two rows of two numbers are enough. Two such filters are 2×1×2×2, and then the nesting has to be
written out. A bias has one number for each output channel.

An initialiser needs a tensor of enough dimensions: `xavier_uniform` and its relatives count the
inputs and outputs of a weight matrix, so a batch normalisation, whose weight is a vector,
cannot use them. And each tensor can be set once: by a literal or by an initialiser.

Wrong:

    input 1x4x4
    conv 1 k2 nobias weight=[[1 0 0] [0 1 0]]

Right:

    input 1x4x4
    conv 1 k2 nobias weight=[[1 0] [0 1]]
""",
    ),
    Code(
        "E309",
        "one value has no variance",
        """\
Normalisation subtracts the mean of some values and divides by their standard deviation.
Instance normalisation takes the values of one channel of one picture. Where the picture is a
single pixel, that is one value: it is its own mean, the difference is 0, and the variance is 0
too. For the value 7, the mean is 7/1 = 7 and the result (7 − 7)/√(0 + ε) = 0; for 2×2 pixels
1, 3, 5, 7 the mean is 16/4 = 4, the variance (9 + 1 + 1 + 9)/4 = 5, and the first becomes
(1 − 4)/√5 = −1.34. With one pixel every output would be 0 whatever arrives, so torch refuses to
train such a layer, and so does this checker.

Wrong:

    input 64x8x8
    gap -> instancenorm

Right:

    input 64x8x8
    instancenorm -> gap

Batch normalisation counts the same channel of all pictures in the batch, so it works on single
pixels as long as the batch holds two pictures. `layernorm` and `groupnorm` count across
channels.
""",
    ),
)
