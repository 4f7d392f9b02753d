"""Writes `tables.py`: what Lark makes of `grammar.lark`, as Python literals, so that no run of specc needs Lark.

Lark reads the grammar, orders the terminals and works out the LALR(1) table; `syntax.lexer` and `syntax.lalr` follow
these. A test compares the file with the grammar, another what both read with what Lark itself reads.

    python -m specc.syntax.precompile
"""

from __future__ import annotations

import hashlib
import pprint
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple, get_args, get_type_hints

from lark import Lark
from lark.grammar import Rule, Symbol
from lark.lexer import PatternStr, TerminalDef
from lark.parsers.lalr_analysis import ParseTableBase, Shift

_OPENING = re.compile(r"(?<!\\)\((?!\?)")  # of a group that is counted


class _Everything:
    """Tells Lark to keep the terminals that no rule accepts; the tokens pass through unchanged."""

    always_accept = ("COMMENT", "MALFORMED", "UNKNOWN", "HYPHENATED")

    def process(self, stream: Iterator[Any]) -> Iterator[Any]:
        return stream


class Tables(NamedTuple):
    """What the lexer and the parser follow.

    PATTERN: any one token, in a group that has its kind's name, and the white space behind it; SIGNS and WORDS: texts
        with a kind of their own, among the groups `SIGN` and `WORD`; BLANK: the kind of white space, which is ignored.
    RULES: of each its symbol, how many parts it has, the method that makes a node of them (none: they are gathered in
        a list; of `pass`, it is the one part), and which parts that method takes: by number, None for one that is left
        out, below 0 for a list in whose place its items stand (~number); None for all as they are.
    STATES: of each, the first one first, for a kind of token what to do: go to a state, or reduce by a rule (~number);
        for a symbol where to go. LAST: the state in which the whole text is read.
    """

    PATTERN: str
    SIGNS: dict[str, str]
    WORDS: dict[str, str]
    BLANK: str
    RULES: list[tuple[str, int, str, tuple[int | None, ...] | None]]
    STATES: list[dict[str, int]]
    LAST: int


def grammar_text() -> str:
    return (files("specc.syntax") / "grammar.lark").read_text(encoding="utf-8")


def grammar_digest() -> str:
    return hashlib.sha256(grammar_text().encode()).hexdigest()


def build_parser(transformer: Any = None) -> Lark:
    """Lark's own parser of the grammar."""
    return Lark(grammar_text(), parser="lalr", lexer="basic", postlex=_Everything(), transformer=transformer)


def compute_tables() -> Tables:
    """The grammar's tables; the same in every process, though Lark numbers its states anew in each."""
    parser: Any = build_parser()
    (blank,) = parser.ignore_tokens
    pattern, signs, words = _lexing(parser.parser.lexer.lexer.terminals, blank)
    rules = [(str(rule.origin.name), len(rule.expansion), *_reduction(rule)) for rule in parser.rules]
    return Tables(pattern, signs, words, blank, rules, *_states(parser.parser.parser._parse_table, parser.rules))


def _lexing(terminals: list[TerminalDef], blank: str) -> tuple[str, dict[str, str], dict[str, str]]:
    """The pattern of all terminals, in Lark's order; strings are told apart behind it."""
    strings = {end.pattern.value: end.name for end in terminals if isinstance(end.pattern, PatternStr)}
    word = next(end.pattern.to_regexp() for end in terminals if end.name == "WORD")
    words = {text: name for text, name in strings.items() if re.fullmatch(word, text)}
    signs = {text: name for text, name in strings.items() if text not in words}
    groups = {end.name: end.pattern.to_regexp() for end in terminals if end.name not in strings.values()}
    others = [end.name for end in terminals]
    first = min(others.index(name) for name in signs.values())
    kinds = sorted([*groups, "SIGN"], key=lambda kind: first if kind == "SIGN" else others.index(kind))
    groups["SIGN"] = "|".join(map(re.escape, signs))
    unnamed = {kind: _OPENING.sub("(?:", pattern) for kind, pattern in groups.items()}
    token = "|".join(f"(?P<{kind}>{unnamed[kind]})" for kind in kinds)
    return f"(?:{token})(?:{unnamed[blank]})*+", signs, words


def _reduction(rule: Rule) -> tuple[str, tuple[int | None, ...] | None]:
    """How a rule's parts become a node: the method, and which parts it takes."""
    symbols, left_out = rule.expansion, rule.options.empty_indices
    missing = [len(run) for run in "".join(str(int(empty)) for empty in left_out).split("0")] if left_out else []
    taken: list[int | None] = []
    for place, symbol in enumerate(symbols):
        taken += [None] * (missing[place] if missing else 0)
        if not getattr(symbol, "filter_out", False):
            taken.append(~place if _is_list(symbol) else place)
    taken += [None] * (missing[-1] if missing else 0)
    if _is_list(rule.origin):
        return "", tuple(taken)
    if rule.options.expand1 and not rule.alias:
        if len(taken) > 1:
            raise ValueError(f"{rule} has several parts, and no name")
        return "pass", tuple(taken)
    return str(rule.alias or rule.origin.name), None if taken == list(range(len(symbols))) else tuple(taken)


def _is_list(symbol: Symbol) -> bool:
    """Whether Lark made a symbol of what the grammar repeats."""
    return not symbol.is_term and symbol.name.startswith("_")


def _states(table: ParseTableBase[Any], rules: list[Rule]) -> tuple[list[dict[str, int]], int]:
    """A row for each state that is reached, numbered as they are come by, and the number of the last one."""
    number = {rule: ~index for index, rule in enumerate(rules)}
    states = {
        state: {str(name): (arg, None) if action is Shift else (None, arg) for name, (action, arg) in row.items()}
        for state, row in table.states.items()
    }
    order = [table.start_states["start"]]
    rows = []
    for state in order:
        row = {}
        for name, (target, rule) in sorted(states[state].items()):
            if rule is not None:
                row[name] = number[rule]
                continue
            last = target if name.isupper() else _passed_on(states, states[state], target)
            if last not in order:
                order.append(last)
            row[name] = order.index(last)
        rows.append(row)
    return rows, order.index(table.end_states["start"])


def _passed_on(states: dict[Any, dict[str, Any]], before: dict[str, Any], target: Any) -> Any:
    """The state behind those that only hand their one part on, such as that of a value which is an argument.

    Left out where the state behind would do more with some token that must not follow than find it wrong.
    """
    while True:
        rules = {rule for _, rule in states[target].values()}
        (rule,) = rules if len(rules) == 1 else (None,)
        if rule is None or _reduction(rule)[0] != "pass":
            return target
        behind = before[rule.origin.name][0]
        reduced = {name for name, (_, other) in states[behind].items() if other is not None}
        if not reduced <= states[target].keys():
            return target
        target = behind


def render_tables() -> str:
    tables = compute_tables()
    kinds = get_type_hints(Tables)
    return "\n".join(
        (
            '"""The tables of `grammar.lark`. Generated by `python -m specc.syntax.precompile`; do not edit."""\n',
            "from __future__ import annotations\n",
            f'GRAMMAR_SHA256 = "{grammar_digest()}"',
            *(f"{name}: {_written(kinds[name])} = {_literal(value)}" for name, value in tables._asdict().items()),
            "",
        )
    )


def _written(kind: Any) -> str:
    return kind.__name__ if isinstance(kind, type) and not get_args(kind) else str(kind)


def _literal(value: Any) -> str:
    return repr(value) if isinstance(value, str) else pprint.pformat(value, width=1000, compact=True)


if __name__ == "__main__":
    Path(__file__).with_name("tables.py").write_text(render_tables(), encoding="utf-8")
