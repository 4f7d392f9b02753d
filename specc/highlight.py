"""The `.cnn` language for Pygments: `pygmentize -l specc net.cnn`, Sphinx, MkDocs, LaTeX's minted.

It knows no layer names, as the grammar does not: a word is what its place makes it.
"""

from __future__ import annotations

from typing import Any, ClassVar

from pygments.lexer import RegexLexer, bygroups, include  # type: ignore[import-untyped]  # it ships no types
from pygments.token import (  # type: ignore[import-untyped]  # the same
    Comment,
    Keyword,
    Name,
    Number,
    Operator,
    Punctuation,
    String,
    Whitespace,
)

_WORD = r"[A-Za-z_][A-Za-z0-9_]*"
_GAP = r"([ \t\f]*)"
_SIZE = r"[0-9]+(?:x[0-9_]+)+"
_NUMBER = r"[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?[KMG]?"


class SpeccLexer(RegexLexer):  # type: ignore[misc]  # the same
    """Specs of convolutional networks."""

    name = "specc"
    aliases: ClassVar[list[str]] = ["specc", "cnn"]
    filenames: ClassVar[list[str]] = ["*.cnn"]
    mimetypes: ClassVar[list[str]] = ["text/x-specc"]

    tokens: ClassVar[dict[str, Any]] = {
        # Where a step or a statement may begin.
        "root": [
            include("space"),
            (r"\r?\n|\r", Whitespace),
            (r"->|\|", Operator),
            (r"[{};]", Punctuation),
            (rf"(param)\b{_GAP}({_WORD})?", bygroups(Keyword.Declaration, Whitespace, Name.Variable), "arguments"),
            (rf"(block)\b{_GAP}({_WORD})?", bygroups(Keyword.Declaration, Whitespace, Name.Class), "arguments"),
            (r"(?:input|budget)\b(?![ \t\f]*:(?!:))", Keyword.Declaration, "arguments"),
            (rf"(train)\b{_GAP}(\{{)", bygroups(Keyword.Declaration, Whitespace, Punctuation), "train"),
            (r"shortcut\b", Keyword, "arguments"),
            (rf"(from)\b{_GAP}({_WORD})?", bygroups(Keyword, Whitespace, Name.Label), "arguments"),
            (rf"({_WORD}){_GAP}(:)(?!:)", bygroups(Name.Label, Whitespace, Punctuation)),
            (rf"{_WORD}(?=[ \t\f]*\{{)", Keyword.Reserved, "arguments"),
            (_WORD, Name.Function, "arguments"),
            include("argument"),  # behind a `}`: x3, a checked shape
        ],
        # What follows the word of a step, to the end of the step.
        "arguments": [
            include("space"),
            (r"(?=\r|\n|->|[|;{}])", Whitespace, "#pop"),
            include("argument"),
        ],
        "argument": [
            (r"::", Operator),
            (r"[(\[]", Punctuation, "bracket"),
            (rf"({_WORD}){_GAP}(=)(?!=)", bygroups(Name.Attribute, Whitespace, Operator)),
            (rf"{_WORD}(?=\()", Name.Builtin),
            (r"(x)([0-9]+)(?![A-Za-z0-9_.])", bygroups(Operator.Word, Number.Integer)),
            (r"([kspdg])([0-9]+(?:x[0-9]+)*)(?![A-Za-z0-9_.])", bygroups(Name.Attribute, Number.Integer)),
            (r"(?:auto|same|in|nth|true|false)\b", Keyword.Constant),
            (_WORD, Name),
            (_SIZE, Number.Integer),
            (_NUMBER, Number),
            (r'"[^"\r\n]*"', String.Double),
            (r"<=|//|\*\*|[-+*/%=]", Operator),
            (r",", Punctuation),
        ],
        # In brackets a new line is white space.
        "bracket": [
            include("space"),
            (r"\r?\n|\r", Whitespace),
            (r"[)\]]", Punctuation, "#pop"),
            include("argument"),
        ],
        "train": [
            include("space"),
            (r"\r?\n|\r", Whitespace),
            (r";", Punctuation),
            (r"\}", Punctuation, "#pop"),
            (_WORD, Name.Property, "setting"),
        ],
        "setting": [
            include("space"),
            (r"(?=\r|\n|[;}])", Whitespace, "#pop"),
            (rf"{_WORD}(?:-(?:{_WORD}|[0-9]+))+", Name),  # fashion-mnist
            include("argument"),
        ],
        "space": [
            (r"[ \t\f]+", Whitespace),
            (r"#[^\r\n]*", Comment.Single),
        ],
    }
