"""E1: text that cannot be read."""

from __future__ import annotations

from specc.diagnostics.codes.code import Code

CODES = (
    Code(
        "E101",
        "something that cannot stand here",
        """\
A spec is read from left to right, and what stands at the marked place cannot continue what was
read so far. The label under it lists what could have stood there instead.

Most often one of these happened:

- Arguments written as in Python, with commas and a call. Here only spaces separate them.
- Two things on one line. Steps are chained by `->`; a statement (`input`, `param`, `block`,
  `budget`, `train`) begins a line of its own, and never stands inside `{ }`.
- An arrow with nothing before or after it, or a `|` outside of the braces of a form.
- One of the ten reserved words as a name: `input param block train budget shortcut auto same in
  x`.
- An operator outside of parentheses: `conv c*4 k1` is written `conv (c*4) k1`.

Wrong:

    input 3x32x32
    conv(64, 3)

Right:

    input 3x32x32
    conv 64 3

After such an error the rest of the step is skipped and reading goes on after it, so that one
run reports every mistake of this kind. Shapes are worked out only when all of the text can be
read: a step that is missing would make every size after it a guess.
""",
    ),
    Code(
        "E102",
        "a bracket that is never closed",
        """\
Every `(`, `[` and `{` needs its partner. Round and square brackets belong to one step, so they
must be closed before the next arrow, brace or statement; braces may span many lines.

The mark stands under the bracket that was opened, since that is the place to mend; the second
mark, if there is one, shows where it became clear that the partner is missing.

Wrong:

    input 3x32x32
    conv (8*4 k3

Right:

    input 3x32x32
    conv (8*4) k3

A brace that is missing at the end of a block would swallow the rest of the file. To save you
from a page of errors that follow from it, reading goes on at the next statement.
""",
    ),
    Code(
        "E103",
        "a character or number that has no meaning",
        """\
Either a character that the language does not use, or something that begins like a number and
does not end like one.

Text that was pasted from slides, papers or a chat is the usual source: they write `×` for `x`,
`→` for `->`, `−` for `-`, curly quotes and invisible spaces. A spec uses plain characters; in
comments, after `#`, everything is allowed.

Numbers are written `3`, `0.5`, `1e-3` or, with a unit for thousands, millions and billions,
`64K`, `12M`, `1.5G`. There are no other units, no `.5` without a digit before the point, and
sizes have a small x and no spaces: `3x32x32`.

Wrong:

    input 3×32×32
    conv 64 k3

Right:

    input 3x32x32
    conv 64 k3
""",
    ),
    Code(
        "E104",
        "a shape that cannot be read",
        """\
After `::` comes the shape that you expect to leave the step, channels first: whole numbers
with an x between them, and `_` for a dimension that may have any size. Names and expressions
are not allowed there, because the line is meant to be read, and written, without working
anything out: `specc fmt --shapes` fills it in.

Wrong:

    param width = 64
    input 3x32x32
    conv width k3 p1    :: width

Right:

    param width = 64
    input 3x32x32
    conv width k3 p1    :: _x32x32
""",
    ),
    Code(
        "E105",
        "an empty spec",
        """\
The file holds no statement and no step: it is empty, or everything in it is a comment. Perhaps
it was not saved yet, or a line break was lost after the first `#`, which turns all that
follows on its line into a comment.

Wrong:

    # input 3x32x32 ; conv 64 k3

Right:

    input 3x32x32 ; conv 64 k3

A network without any layers is allowed: it passes its input on. It still needs to say what
arrives.
""",
    ),
    Code(
        "E106",
        "a file that is not text",
        """\
A spec is plain text in the encoding UTF-8, and this file holds bytes that no UTF-8 text has.
Two causes are common:

- It is another kind of file: a picture, a trained network, an archive. The command took the
  wrong name.
- It is a text in an older encoding, such as Latin-1 or UTF-16, in which an editor on Windows
  may have saved it. Open it there and save it again "as UTF-8". With or without a byte-order
  mark makes no difference.

The place given is that of the first byte that does not fit; everything before it is sound.
""",
    ),
    Code(
        "E107",
        "a file that cannot be read",
        """\
There is no file with that name, or it is a folder, or you may not read it. This is a mistake in
the command and not in a spec, so the exit status is 2.

A path is looked up from the folder in which the command runs. `ls *.cnn` shows which specs are
there; a name that is nearly right is offered in the help line. `-` stands for standard input:

    specc check specs/lenet5.cnn
    cat specs/lenet5.cnn | specc check -
""",
    ),
)
