"""A token that cannot stand where it stands, as an error in words: what was found and what was expected."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from lark.lexer import Token

from specc.diagnostics.diagnostic import Diagnostic
from specc.source import Source
from specc.syntax.grow import span_of
from specc.syntax.tokens import END, NEWLINE, STATEMENTS

# Characters that people paste from slides and papers, and what the language writes.
_LOOKALIKES = {
    "→": "->", "⟶": "->", "×": "x", "−": "-", "–": "-", "—": "-", "“": '"', "”": '"', "’": '"', "'": '"',
    "≤": "<=", ".": "->", "\\": "a new line", ">": "->", "!": "no sign", "&": ";", "@": ":", "<": "<=",
    "\u00a0": "an ordinary space", "\u200b": "nothing (this is an invisible space)", "\ufeff": "nothing",
}  # fmt: skip

_NAMES = {
    NEWLINE: "the end of the line", END: "the end of the file", "LPAR": "`(`", "RPAR": "`)`", "LSQB": "`[`",
    "RSQB": "`]`", "LBRACE": "`{`", "RBRACE": "`}`", "ARROW": "`->`", "BAR": "`|`", "COLON": "`:`", "COMMA": "`,`",
    "EQUAL": "`=`", "LESS_EQUAL": "`<=`", "DOUBLE_COLON": "`::`", "WORD": "a name", "NUMBER": "a number",
    "SIZE": "a size such as 3x3", "PATTERN": "a shape such as 64x_x_", "TEXT": "a string", "AUTO": "`auto`",
    "SAME": "`same`", "SHORTCUT": "`shortcut`", "FUNCTION": "a name",
}  # fmt: skip

_VALUE = {"NUMBER", "SIZE", "TEXT", "WORD", "IN", "SAME", "AUTO", "FUNCTION", "LSQB", "LPAR", "HYPHENATED", "MINUS"}
_OPERATORS = {"PLUS", "MINUS", "STAR", "SLASH", "FLOOR", "PERCENT"}
_NEW_NAME = {"WORD", "FUNCTION", "RPAR"}  # all that can stand where a name is given
_ADVICE = {
    "EQUAL": "a key and its value are written `key=value`; a `param` needs its own line: `param name = value`",
    "COMMA": "arguments are parted by spaces; commas stand only inside `( )` and `[ ]`",
    "COLON": "a label is one name before its step, as in `stem: conv 64 k7`",
    "SHORTCUT": "`shortcut` follows the `}` of a `residual`",
}


def explain_unexpected(source: Source, token: Token, accepted: AbstractSet[str], *, in_body: bool) -> Diagnostic:
    """The error for a token, given the kinds of token that the parser could have gone on with."""
    message, help = _special(source, token, accepted, in_body) or (
        _found(token),
        _advice(source, token, accepted),
    )
    code = "E103" if token.type in ("UNKNOWN", "MALFORMED") else "E101"
    return Diagnostic(code, message, source, span_of(token), label=f"expected {expectation(accepted)}", help=help)


def expectation(accepted: AbstractSet[str]) -> str:
    """The accepted kinds of token, gathered into what a person would call them."""
    rest, words = set(accepted), []
    if rest >= STATEMENTS:
        rest -= STATEMENTS | {"WORD", "LBRACE", NEWLINE, END}
        words.append("a layer, or a statement such as `input` or `block`")
    if _VALUE - {"HYPHENATED", "MINUS"} <= rest:
        rest -= _VALUE | {"X"}
        words.append("a value" if "ARROW" not in rest else "an argument")
        if "ARROW" in rest:  # a step may end here: the rarer ways to go on would only hide the common ones
            rest &= {"ARROW", NEWLINE, "RBRACE"}
    if rest >= _OPERATORS:
        rest -= _OPERATORS
        words.append("an operator")
    order = list(_NAMES)
    words += dict.fromkeys(_NAMES[kind] for kind in sorted(rest & _NAMES.keys(), key=order.index))
    if len(words) < 2:
        return words[0] if words else "nothing more"
    return ", ".join(words[:-1]) + " or " + words[-1]


def _found(token: Token) -> str:
    if token.type == END:
        return "the file ends too early"
    if token.type == NEWLINE:
        return "the step ends too early at this `;`" if str(token) == ";" else "the line ends too early"
    return f"`{token}` cannot stand here"


def _advice(source: Source, token: Token, accepted: AbstractSet[str]) -> str | None:
    """What to write instead, where a person most likely meant something else."""
    before = source.text[: token.start_pos or 0].rstrip(" \t")
    if token.type == "X" and before[-1:].isdigit():
        return "a size is written without spaces, such as 3x32x32"
    if token.type == "ARROW" and NEWLINE in accepted:
        return "a statement is no step, so no `->` stands beside it"
    if token.type == "WORD" and NEWLINE in accepted and "ARROW" not in accepted:
        return f"start a new line before `{token}`"
    if token.type == NEWLINE and accepted & {"LBRACE", "LPAR"} and "WORD" not in accepted:
        return "the `{` stands on the same line as the word that it belongs to"
    if token.type == "HYPHENATED":
        return f"names are written with `_`: `{token.replace('-', '_')}`"
    if token.type in _OPERATORS:
        return "arithmetic stands in parentheses: `conv (c*4) k1`"
    if token.type in ("IN", "X", "AUTO", "SAME", *STATEMENTS):
        return f"`{token}` is a reserved word of the language; choose another name"
    return _ADVICE.get(token.type)


def _special(source: Source, token: Token, accepted: AbstractSet[str], in_body: bool) -> tuple[str, str | None] | None:
    """The mistakes that have a name of their own: message and help."""
    text = str(token)
    if token.type == "UNKNOWN":
        return _unknown_character(text)
    if token.type == "MALFORMED":
        return f"`{text}` is not a number", _number_advice(text)
    if token.type in STATEMENTS and accepted - _NEW_NAME:
        return _misplaced_statement(text, in_body)
    if token.type == "RBRACE" and not in_body and "RBRACE" not in accepted:
        return "this `}` closes nothing", "remove it, or add the `{` that it belongs to"
    if token.type == "FUNCTION" and "WORD" in accepted:
        return f"`{text}(` is a call, and a step is not called", f"write `{text}` and its arguments with spaces between"
    if token.type == "ARROW" and "WORD" in accepted:
        return "there is no step before this `->`", "write a step on each side of `->`"
    if token.type == "BAR" and not in_body:
        return "`|` parts the branches of a form, and no form is open here", "write `concat { a | b }`"
    return None


def _unknown_character(text: str) -> tuple[str, str | None]:
    if text == '"':
        return "this string is not closed on its line", 'add the closing `"`'
    meant = _LOOKALIKES.get(text)
    shown = text if text.isprintable() else f"U+{ord(text):04X}"
    message = f"the character `{shown}` has no meaning in a spec"
    if meant is None:
        return message, None
    return message, f"write {meant if ' ' in meant or meant == 'nothing' else f'`{meant}`'} instead"


def _number_advice(text: str) -> str:
    if text.startswith("."):
        return f"write a digit before the point: `0{text}`"
    if text.rstrip("xX") != text or "X" in text:
        return "a size is written without spaces and with a small x, such as 3x32x32"
    return "numbers are written 3, 0.5, 1e-3 or 12M; a name begins with a letter"


def _misplaced_statement(text: str, in_body: bool) -> tuple[str, str]:
    if in_body:
        return f"`{text}` belongs at the top level, not inside `{{ }}`", f"move the `{text}` line out of the braces"
    return f"`{text}` is a statement and begins a line of its own", f"start a new line before `{text}`"
