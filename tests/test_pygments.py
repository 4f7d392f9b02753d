"""The lexer: every spec in its own words again, and no character that it does not know."""

from __future__ import annotations

import pytest

pytest.importorskip("pygments")

from pygments import highlight  # type: ignore[import-untyped]  # it ships no types
from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]  # the same
from pygments.token import Token  # type: ignore[import-untyped]  # the same

from specc.gallery import entries
from specc.highlight import SpeccLexer
from specc.ir.model import FORM_WORDS
from specc.layers.registry import LAYERS
from specc.syntax.tokens import STATEMENTS

GALLERY = {spec.name: spec.text for spec in entries()}


def tokens(text: str) -> list[tuple[str, str]]:
    """Kind and text of each token that is no white space."""
    found = [(str(kind).removeprefix("Token."), value) for _, kind, value in SpeccLexer().get_tokens_unprocessed(text)]
    assert "".join(value for _, value in found) == text
    return [(kind, value) for kind, value in found if kind != "Text.Whitespace" and value.strip()]


@pytest.mark.parametrize("name", GALLERY)
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_the_gallery_has_no_errors(name: str, ending: str) -> None:
    found = tokens(GALLERY[name].replace("\n", ending))
    assert [value for kind, value in found if kind == "Error"] == []
    words = {value for kind, value in found if kind == "Name.Function"}
    assert not words & set(FORM_WORDS)
    assert words & LAYERS.keys()


@pytest.mark.parametrize("layer", LAYERS)
def test_every_layer_is_a_function(layer: str) -> None:
    text = LAYERS[layer].example.replace(" ; ", "\n")
    found = tokens(text)
    assert ("Name.Function", layer) in found
    assert "Error" not in dict(found)


@pytest.mark.parametrize("word", sorted(word.lower() for word in STATEMENTS))
def test_every_statement_is_a_declaration(word: str) -> None:
    assert tokens(f"{word} {{" if word == "train" else f"{word} a")[0] == ("Keyword.Declaration", word)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("residual { relu } shortcut auto", [("Keyword.Reserved", "residual"), ("Punctuation", "{"),
            ("Name.Function", "relu"), ("Punctuation", "}"), ("Keyword", "shortcut"), ("Keyword.Constant", "auto")]),
        ("stem: conv 64 k7 s=2", [("Name.Label", "stem"), ("Punctuation", ":"), ("Name.Function", "conv"),
            ("Literal.Number", "64"), ("Name.Attribute", "k"), ("Literal.Number.Integer", "7"),
            ("Name.Attribute", "s"), ("Operator", "="), ("Literal.Number", "2")]),
        ("add { from e1 -> relu }", [("Keyword.Reserved", "add"), ("Punctuation", "{"), ("Keyword", "from"),
            ("Name.Label", "e1"), ("Operator", "->"), ("Name.Function", "relu"), ("Punctuation", "}")]),
        ("conv (in**nth)", [("Name.Function", "conv"), ("Punctuation", "("), ("Keyword.Constant", "in"),
            ("Operator", "**"), ("Keyword.Constant", "nth"), ("Punctuation", ")")]),
        ("relu x3 :: 64x_x_", [("Name.Function", "relu"), ("Operator.Word", "x"), ("Literal.Number.Integer", "3"),
            ("Operator", "::"), ("Literal.Number.Integer", "64x_x_")]),
        ("train { data fashion-mnist ; lr 1e-3 }\nid", [("Keyword.Declaration", "train"), ("Punctuation", "{"),
            ("Name.Property", "data"), ("Name", "fashion-mnist"), ("Punctuation", ";"), ("Name.Property", "lr"),
            ("Literal.Number", "1e-3"), ("Punctuation", "}"), ("Name.Function", "id")]),
        ("conv (\n  4*c\n) k1 # c", [("Name.Function", "conv"), ("Punctuation", "("), ("Literal.Number", "4"),
            ("Operator", "*"), ("Name", "c"), ("Punctuation", ")"), ("Name.Attribute", "k"),
            ("Literal.Number.Integer", "1"), ("Comment.Single", "# c")]),
        ("cbr reduce3 k1x7", [("Name.Function", "cbr"), ("Name", "reduce3"), ("Name.Attribute", "k"),
            ("Literal.Number.Integer", "1x7")]),
        ("conv _ k_ s2x_ x_ -> relu", [("Name.Function", "conv"), ("Keyword.Constant", "_"), ("Name.Attribute", "k"),
            ("Literal.Number.Integer", "_"), ("Name.Attribute", "s"), ("Literal.Number.Integer", "2x_"),
            ("Operator.Word", "x"), ("Literal.Number.Integer", "_"), ("Operator", "->"), ("Name.Function", "relu")]),
        ("relu\n-> bn | { a }", [("Name.Function", "relu"), ("Operator", "->"), ("Name.Function", "bn"),
            ("Operator", "|"), ("Punctuation", "{"), ("Name.Function", "a"), ("Punctuation", "}")]),
    ],
)  # fmt: skip
def test_a_word_is_what_its_place_makes_it(text: str, expected: list[tuple[str, str]]) -> None:
    assert tokens(text) == expected


ODD = ["", "}", ")))", "conv €", '"open', "train {", "block", "{{{{", "a\rb", "\x00\ud800", "k3"]


@pytest.mark.parametrize("text", ODD)
def test_any_text_is_split_and_kept(text: str) -> None:
    tokens(text)


def test_what_is_no_part_of_the_language_is_an_error() -> None:
    assert [value for kind, value in tokens("conv € 3") if kind == "Error"] == ["€"]


def test_html_of_a_spec() -> None:
    page = highlight(GALLERY["lenet5"], SpeccLexer(), HtmlFormatter())
    assert '<span class="nf">conv</span>' in page
    assert Token.Error not in {kind for kind, _ in SpeccLexer().get_tokens(GALLERY["lenet5"])}
