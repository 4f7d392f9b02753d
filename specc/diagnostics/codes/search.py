"""E67: searches over many runs."""

from __future__ import annotations

from specc.diagnostics.codes.code import Code

CODES = (
    Code(
        "E670",
        "a sweep cannot vary that",
        """\
`--vary NAME=VALUES` names a `param` of the spec or a setting of the recipe, and the values that are tried:

    --vary lr=1e-4:1e-1:log        every number of a range, each factor as likely as any other
    --vary dropout=0:0.5           every number of a range
    --vary width=16:128:16         from 16 to 128 in steps of 16
    --vary width=16,32,64          one of a list
    --vary optimizer=adam,sgd      the same, of words

What is known to be wrong is refused before the first run: a name that neither the spec nor the recipe has, a range
that ends before it begins, a value that the setting does not take.
""",
    ),
    Code(
        "E671",
        "the folder holds another sweep",
        """\
The same `specc sweep` command goes on with the sweep in its folder. This command has another spec, varies something
else, or has other settings: its trials could not be compared with those that are there.

`--out DIR` begins a new sweep in another folder. Only `--trials` and `--prune` may change in a sweep: more trials are
added to those that there are.
""",
    ),
    Code(
        "E672",
        "a sweep needs Optuna",
        """\
Which settings are tried next is chosen by Optuna, a package of its own:

    pip install 'specc-cnn[sweep]'

In a copy of specc's repository that is `pip install -e '.[sweep]'`. Optuna is also what lets several processes share a
sweep, and keeps its trials. All other commands do without it.
""",
    ),
    Code(
        "E673",
        "the trials of a sweep cannot be kept",
        """\
The trials of a sweep are kept in its folder, or where `--storage` says, in any storage that Optuna knows: a SQLite
file, a database server, Redis. This one cannot be opened: the folder cannot be written to, the URL is not one, its
server does not answer, or the package that talks to it is not installed.

Without `--storage` nothing but a folder is needed.
""",
    ),
    Code(
        "E690",
        "too few pictures for so many folds",
        """\
With `--folds 5` all pictures are dealt out into five parts, and each part is tested on by a network that was trained
on the four others. A part without a picture tests nothing: there can be no more folds than pictures. Five or ten are
usual.
""",
    ),
    Code(
        "E691",
        "this is not the folder of several runs",
        """\
`specc train SPEC --seeds 5` and `--folds 5` put their runs into one folder and write down in `series.json` what they
have in common. `--resume FOLDER` goes on from there: runs that are complete stay as they are, the one that was cut off
goes on, and the others begin.

The file in this folder is damaged, or specc did not write it. Each run in the folder can still be used, and continued
by itself with `--resume FOLDER/seed-1`.
""",
    ),
)
