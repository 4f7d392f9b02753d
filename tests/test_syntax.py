"""The parser: tables that fit the grammar, recovery that loses nothing else, spans that cover what they name."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lark import Token as LarkToken
from lark.exceptions import UnexpectedToken

from specc.gallery import entries
from specc.source import Source, Span
from specc.syntax import precompile, tables, tree
from specc.syntax.grow import GrowTree, TooDeep
from specc.syntax.lalr import Parser, Unexpected
from specc.syntax.lexer import Token, lex
from specc.syntax.parse import MAX_CHARACTERS, MAX_NESTING, Parsed, parse, read_tokens, standing_at
from specc.syntax.tokens import COMMENT, END, TokenStream


def read(text: str) -> Parsed:
    return parse(Source("net.cnn", text))


def places(text: str) -> list[tuple[str, int, int]]:
    """Code, line and column of each error."""
    source = Source("net.cnn", text)
    found = []
    for error in parse(source).diagnostics:
        assert error.span is not None
        found.append((error.code, *source.place(error.span.start)))
    return found


def words(text: str) -> list[str]:
    """The words of the steps that were read, in order."""
    chains = [item for item in read(text).tree.items if isinstance(item, tree.Chain)]
    return [step.word.text for chain in chains for step in chain.items if step.word]


def test_tables_are_those_of_the_grammar() -> None:
    written = tables.GRAMMAR_SHA256, precompile.Tables(*(getattr(tables, name) for name in precompile.Tables._fields))
    expected = precompile.grammar_digest(), precompile.compute_tables()
    assert written == expected, "run python -m specc.syntax.precompile"


def test_threads_may_read_at_the_same_time() -> None:
    texts = [f"input {size}x32x32\n" + f"conv {size} k3 -> relu\n" * size for size in range(1, 60)]
    alone = [read(text) for text in texts]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(read, texts)) == alone


SAME = [
    ("relu -> tanh", "relu\ntanh"),
    ("relu ; tanh", "relu\ntanh"),
    ("relu ->\n\n tanh", "relu -> tanh"),
    ("relu\n  -> tanh", "relu -> tanh"),
    ("concat {\n relu\n | tanh\n}", "concat { relu | tanh }"),
    ("concat { relu |\n tanh }", "concat { relu | tanh }"),
    ("residual {\n relu\n}\nshortcut auto", "residual { relu } shortcut auto"),
    ("residual {\n relu\n}\n-> tanh", "residual { relu } -> tanh"),
    ("conv (1\n + 2) k3", "conv (1 + 2) k3"),
    ("conv 1 k2 weight=[[1 2]\n [3 4]]", "conv 1 k2 weight=[[1 2] [3 4]]"),
    ("relu # the end\n# a line\n\ntanh", "relu\ntanh"),
    ("relu\r\ntanh\r\n", "relu\ntanh\n"),
    ("[1, 2]", "[1 2]"),
]


def shape(node: object) -> object:
    """A tree without its spans."""
    if isinstance(node, tuple) and hasattr(node, "_fields"):
        fields = [(name, shape(value)) for name, value in zip(node._fields, node, strict=True)]
        return type(node).__name__, [field for field in fields if field[0] not in ("span", "head")]
    return [shape(item) for item in node] if isinstance(node, tuple) else node


@pytest.mark.parametrize(("left", "right"), SAME)
def test_newlines_that_are_white_space(left: str, right: str) -> None:
    def steps(text: str) -> list[object]:
        return [shape(step) for item in read(text).tree.items if isinstance(item, tree.Chain) for step in item.items]

    assert steps(left) == steps(right)
    assert [code for code, _, _ in places(left)] == [code for code, _, _ in places(right)]


def test_a_newline_after_a_brace_ends_the_step() -> None:
    first, second = read("residual { relu }\n{ tanh } x2").tree.items
    assert isinstance(first, tree.Chain)
    assert isinstance(second, tree.Chain)
    assert first.items[0].word is not None
    assert second.items[0].word is None


RECOVERY = [
    # text, errors, words of the steps that are read all the same
    ("relu $\ntanh", [("E103", 1, 6)], ["tanh"]),
    ("conv 3 k=\nrelu\nlinear )\ntanh", [("E101", 1, 10), ("E101", 3, 8)], ["relu", "tanh"]),
    ("relu -> -> tanh -> elu", [("E101", 1, 9)], ["tanh", "elu"]),
    ("conv (3\nrelu\ntanh", [("E102", 1, 6)], ["relu", "tanh"]),
    ("conv 3 weight=[1 2\nrelu", [("E102", 1, 15)], ["relu"]),
    ("conv (3 k3\nconv (4*2) k3", [("E102", 1, 6)], ["conv"]),
    ("residual { relu $ }\ntanh", [("E103", 1, 17)], ["residual", "tanh"]),
    ("concat { relu = | tanh }\nelu", [("E101", 1, 15)], ["concat", "elu"]),
    ("residual {\nrelu\ninput 3\ntanh", [("E102", 1, 10)], ["tanh"]),
    ("relu\n}\ntanh", [("E101", 2, 1)], ["relu", "tanh"]),
    ("block f(a {\nrelu\n}\ntanh", [("E102", 1, 8)], ["tanh"]),
    ("3abc\n.5\nrelu", [("E103", 1, 1), ("E103", 2, 1)], ["relu"]),
    ('train { data "x }\nrelu', [("E103", 1, 14)], ["relu"]),
]


@pytest.mark.parametrize(("text", "errors", "read_words"), RECOVERY)
def test_recovery_at_the_next_statement(text: str, errors: list[tuple[str, int, int]], read_words: list[str]) -> None:
    assert (places(text), words(text)) == (errors, read_words)


def test_a_swallowed_newline_does_not_merge_two_statements() -> None:
    """The newline inside an open bracket is white space; after the error it parts two statements again."""
    parsed = read("conv (64\nmaxpool 2\nlinear 10\n")
    assert [type(item) for item in parsed.tree.items] == [tree.Chain, tree.Chain]
    assert words("conv (64\nmaxpool 2\nlinear 10\n") == ["maxpool", "linear"]


def test_spans_cover_what_they_name() -> None:
    text = "input 3x32x32\nstem: conv (2*8) k3 x2 :: 16x_x_ -> residual { relu } shortcut auto\n"
    source = Source("net.cnn", text)
    chain = read(text).tree.items[1]
    assert isinstance(chain, tree.Chain)
    conv, residual = chain.items
    assert source.slice(conv.span) == "stem: conv (2*8) k3 x2 :: 16x_x_"
    assert source.slice(conv.head) == "conv (2*8) k3 x2"
    assert conv.check is not None
    assert conv.check.dims == (16, None, None)
    assert source.slice(residual.span) == "residual { relu } shortcut auto"
    assert source.slice(residual.head) == "residual"


# Tokens, error nodes, the parser's state at a place

COMMENTED = 'input 3  # a\r\n# b\nconv (8  # c\n ) k3 ; train { data_dir "# no" }  # d'


def test_tokens_and_white_space_are_the_whole_text() -> None:
    tokens, end = read_tokens(COMMENTED), 0
    for token in tokens.all:
        span = token.span
        assert COMMENTED[end : span.start].strip(" ") == "" and COMMENTED[span.start : span.end] == token.text
        end = span.end
    assert end == len(COMMENTED)
    assert [COMMENTED[start:end] for start, end in tokens.comments] == ["# a", "# b", "# c", "# d"]
    assert read(COMMENTED).tree.comments == tokens.comments


@pytest.mark.parametrize(("node", "first", "last"), [(0, "input", "3"), (1, "conv", "k3"), (2, "train", "}")])
def test_a_node_knows_its_tokens(node: int, first: str, last: str) -> None:
    found = read_tokens(COMMENTED).of(read(COMMENTED).tree.items[node].span)
    assert (found[0].text, found[-1].text) == (first, last)


def written_parts(parts: tuple[object, ...], text: str) -> list[str]:
    spans = [part.span for part in parts]  # type: ignore[attr-defined]  # a token and a node have one
    return [text[span.start : span.end] for span in spans]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("relu -> conv 8 k= -> bn\ntanh", [["relu", "->", "conv", "8", "k", "="]]),
        ("block b(c, k=3) {\n conv c\ninput 3", [["block", "b", "(", "c", "k=3", ")", "{", "conv c"]]),
        ("conv (3 +\nrelu\nbn", [["conv", "(", "3", "+"]]),
        ("residual { conv 8 = 3\n bn }\nrelu", [["conv", "8", "=", "3"]]),
        ("relu", []),
    ],
)
def test_what_cannot_be_read_is_an_error_node(text: str, parts: list[list[str]]) -> None:
    unread = read(text).tree.unread
    assert [written_parts(node.parts, text) for node in unread] == parts
    for node, pieces in zip(unread, parts, strict=True):
        whole = text[node.span.start : node.span.end]
        assert whole.startswith(pieces[0]) and whole.endswith(pieces[-1])


@pytest.mark.parametrize(
    ("text", "parts", "taken", "refused"),
    [
        ("input 3\nconv 8 ▮", ["input 3", "\n", "conv", "8"], "NUMBER WORD ARROW", "RBRACE COLON"),
        ("residual { relu ▮} shortcut auto", ["residual", "{", "relu"], "RBRACE BAR ARROW", "SHORTCUT"),
        ("residual { relu } shortcut ▮", ["residual", "relu", "shortcut"], "AUTO SAME LBRACE", "WORD NUMBER"),
        ("block b(c {\nrelu\ninput 3x8x8\n▮", ["relu", "input 3x8x8", "\n"], "WORD TRAIN", "NUMBER"),
        ("conv 8 = 3 ▮ k3 -> relu", ["conv", "8"], "NUMBER WORD", "RBRACE"),
        ("▮", [], "WORD INPUT", "NUMBER"),
    ],
)
def test_the_parser_tells_how_far_it_has_come(text: str, parts: list[str], taken: str, refused: str) -> None:
    before, after = text.split("▮")
    found = standing_at(read_tokens(before + after), len(before))
    seen = [part for part in found.parts if part]
    assert [one for one in written_parts(tuple(seen), before + after) if one] == parts
    assert found.accepts >= set(taken.split())
    assert not found.accepts & set(refused.split())


def test_nesting_is_bounded() -> None:
    deep = MAX_NESTING + 1
    assert places("residual { " * deep + "relu" + " }" * deep)[0][0] == "E401"
    assert places("conv " + "(" * 1000 + "1" + ")" * 1000)[0][0] == "E401"
    assert places("conv (" + "1+" * 5000 + "1) k3")[0][0] == "E401"
    assert places("conv (" + "-" * 5000 + "1) k3")[0][0] == "E401"


def test_the_text_is_bounded() -> None:
    assert places("")[:0] == []
    assert [error.code for error in read("#" * (MAX_CHARACTERS + 1)).diagnostics] == ["E401"]


PIECES = st.sampled_from(
    ["input", "conv", "64", "k3", "3x3", "->", "|", "{", "}", "(", ")", "[", "]", "\n", ";", "::", "=", "+", "-",
     "residual", "shortcut", "auto", "block", "param", "train", "x2", '"', "#", "$", "3abc", "f(", ",", "_x3", ":"]
)  # fmt: skip


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(PIECES, max_size=40).map(" ".join))
def test_any_sequence_of_tokens_is_read_or_refused(text: str) -> None:
    source = Source("net.cnn", text)
    for error in parse(source).diagnostics:
        assert error.span is not None
        assert 0 <= error.span.start <= error.span.end <= len(text)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    read(text)


# Lark, of whose tables the lexer and the parser here are made, reads the same


class LarkTree:
    """Lark's reductions as the nodes that are grown here: it hands a rule's parts over in one list."""

    def __getattr__(self, name: str) -> Any:
        grow = getattr(GrowTree(), name)
        return lambda parts: grow(*(as_ours(part) if isinstance(part, LarkToken) else part for part in parts))


LARK = precompile.build_parser(LarkTree())


def as_ours(token: LarkToken) -> Token:
    return Token(token.type, str(token), Span(token.start_pos or 0, token.end_pos or 0))


def parts_of(values: Any) -> list[Any]:
    """What lies on a parser's stack; what is repeated is gathered there."""
    found = []
    for value in values:
        inner = value.children if hasattr(value, "children") else value if type(value) in (list, tuple) else None
        found += [value] if inner is None else parts_of(inner)
    return [as_ours(part) if isinstance(part, LarkToken) else part for part in found]


def end_of(feed: Callable[[], Any]) -> Any:
    """How a token is taken: the whole text's node at its end, and what is wrong with it."""
    try:
        return feed()
    except (UnexpectedToken, Unexpected):
        return "wrong"
    except TooDeep as error:
        return error.span


def read_by_both(text: str) -> list[tuple[Any, Any]]:
    """What Lark and the parser here make of a text's tokens up to the first error, pair by pair."""
    theirs, ours = LARK.parse_interactive(""), Parser()
    stream = TokenStream([token for token in lex(text) if token.type != COMMENT], len(text))
    pairs: list[tuple[Any, Any]] = []
    while True:
        token = stream.next()
        given = LarkToken(token.type, token.text, start_pos=token.span.start, end_pos=token.span.end)
        ends = [
            end_of(lambda given=given: theirs.feed_token(given)),  # type: ignore[misc]  # it is called at once
            end_of(lambda token=token: ours.feed(token)),  # type: ignore[misc]  # the same
        ]
        pairs += [(ends[0], ends[1]), (theirs.accepts(), ours.accepts())]  # type: ignore[no-untyped-call]  # Lark leaves it untyped
        if isinstance(ends[1], Span):
            return pairs
        pairs.append((parts_of(theirs.parser_state.value_stack), parts_of(ours.values)))
        if token.type == END or ends[1] == "wrong":
            return pairs


def assert_lark_agrees(text: str) -> None:
    assert [as_ours(token) for token in LARK.lex(text)] == lex(text)
    for theirs, ours in read_by_both(text):
        assert theirs == ours


@pytest.mark.parametrize("name", [entry.name for entry in entries()])
def test_lark_reads_the_gallery_alike(name: str) -> None:
    assert_lark_agrees(next(entry.source.text for entry in entries() if entry.name == name)[:1000])


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(PIECES, max_size=30).map(" ".join))
def test_lark_reads_any_tokens_alike(text: str) -> None:
    assert_lark_agrees(text)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.text(st.sampled_from('ax1_.-># "\t\r\n\f\v;:=({[]})|*/<%e\u00a0\u00e9'), max_size=40) | st.text(max_size=20))
def test_lark_reads_any_text_alike(text: str) -> None:
    assert_lark_agrees(text)
