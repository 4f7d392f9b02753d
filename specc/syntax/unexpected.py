"""A token that cannot stand where it stands, as an error in words: what was found and what was expected."""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet

from specc.diagnostics.diagnostic import Diagnostic
from specc.source import Source
from specc.syntax.lexer import Token
from specc.syntax.tokens import END, NEWLINE, STATEMENTS

# Characters that people paste from slides and papers, and what the language writes.
_LOOKALIKES = {
    **dict.fromkeys("→⟶➔➜➝➞⇒⟹⇾➡▶»—", "->"), "×": "x", "−": "-", "–": "-", "“": '"', "”": '"', "’": '"', "'": '"',
    "≤": "<=", ".": "->", "\\": "a new line", ">": "->", "!": "nothing", "&": ";", "@": ":", "<": "<=", "^": "**",
    "\u00a0": "an ordinary space", "\u200b": "nothing (this is an invisible space)", "\ufeff": "nothing",
}  # fmt: skip

_NAMES = {
    NEWLINE: "the end of the line", END: "the end of the file", "LPAR": "`(`", "RPAR": "`)`", "LSQB": "`[`",
    "RSQB": "`]`", "LBRACE": "`{`", "RBRACE": "`}`", "ARROW": "`->`", "BAR": "`|`", "COLON": "`:`", "COMMA": "`,`",
    "EQUAL": "`=`", "LESS_EQUAL": "`<=`", "DOUBLE_COLON": "`::`", "WORD": "a name", "NUMBER": "a number",
    "SIZE": "a size such as 3x3", "PATTERN": "a shape such as 64x_x_", "TEXT": "a string", "AUTO": "`auto`",
    "SAME": "`same`", "FROM": "`from`", "SHORTCUT": "`shortcut`", "FUNCTION": "a name",
}  # fmt: skip

_VALUE = {
    "NUMBER",
    "SIZE",
    "TEXT",
    "WORD",
    "IN",
    "NTH",
    "SAME",
    "AUTO",
    "FUNCTION",
    "LSQB",
    "LPAR",
    "HYPHENATED",
    "MINUS",
}
_OPERATORS = {"PLUS", "MINUS", "STAR", "SLASH", "FLOOR", "PERCENT", "POWER"}
_SHAPE_IN_PARTS = re.compile(r"\binput\s*\(?\s*[0-9]+$")
_PATH = re.compile(r"(~|\.\.?)?/\w|[A-Za-z]:\\")
_COMMENT = re.compile(r"//|/\*|--|%\s|\"\"|''")
_REMARK = re.compile(r"//\s*[A-Za-z]\w*\s+[A-Za-z]|/\*|--\s")  # behind a step, where `//` may be a division
_FORMS = ("concat", "add", "mul", "residual", "gate", "split", "outputs")
_NEW_NAME = {"WORD", "FUNCTION", "RPAR"}  # all that can stand where a name is given
_UNFINISHED = re.compile(r"(?:[{|]\s*|[{|>]\s*\w+\s*)(from|:)\s*$")
_BEHIND = {
    "from": "a label follows `from`: `add { from e1 -> conv 64 k1 | id }`",
    ":": "a step follows on the line of its label; `id` changes nothing",
}
_ADVICE = {
    "EQUAL": "a key and its value are written `key=value`; a `param` needs its own line: `param name = value`",
    "COMMA": "arguments are separated by spaces; commas belong only inside `( )` and `[ ]`",
    "COLON": "a label is one name before its step, as in `stem: conv 64 k7`; a value follows `=`",
    "SHORTCUT": "`shortcut` follows the `}` of a `residual`",
}


def explain_unexpected(source: Source, token: Token, accepted: AbstractSet[str], *, in_body: bool) -> Diagnostic:
    """The error for a token, given the kinds of token that the parser could have gone on with."""
    message, help = (
        _foreign(source, token, accepted)
        or _special(source, token, accepted, in_body)
        or (_found(token), _advice(source, token, accepted))
    )
    code = "E103" if token.type in ("UNKNOWN", "MALFORMED") else "E101"
    return Diagnostic(code, message, source, token.span, label=f"expected {expectation(accepted)}", help=help)


def without_branches(form: str, example: str) -> tuple[str, str]:
    """The message and the help where a form's word has no braces beside it."""
    help = f"such as `{form} {{ {example} }}`, with the `{{` on the line of the word"
    return f"`{form}` needs its branches in braces", help


def expectation(accepted: AbstractSet[str]) -> str:
    """The accepted kinds of token, gathered into what a person would call them."""
    rest, words = set(accepted), []
    if rest >= STATEMENTS:
        rest -= STATEMENTS | {"WORD", "FROM", "LBRACE", NEWLINE, END}
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
        return "the step ends too early at this `;`" if token.text == ";" else "the line ends too early"
    return f"`{token.text}` cannot stand here"


def _advice(source: Source, token: Token, accepted: AbstractSet[str]) -> str | None:
    """What to write instead, where a person most likely meant something else."""
    unfinished = _UNFINISHED.search(_before(source, token))
    if unfinished:
        return _BEHIND[unfinished[1]]
    return _advice_on_values(source, token, accepted) or _advice_on_lines(source, token, accepted)


def _advice_on_values(source: Source, token: Token, accepted: AbstractSet[str]) -> str | None:
    """The mistakes inside a step or a setting that its neighbours give away."""
    before = _before(source, token).rstrip(" \t")
    statement = _advice_on_statements(token, before.rpartition("\n")[2].split(), accepted)
    if statement is not None:
        return statement
    in_call = _advice_in_calls(token, before, accepted)
    if in_call is not None:
        return in_call
    if token.type in ("COMMA", "NUMBER", "X") and _SHAPE_IN_PARTS.search(before):
        return "a shape is written with an x and without spaces, such as 3x32x32"
    if token.type == "EQUAL" and "ARROW" not in accepted and "RBRACE" in accepted:
        return "a setting is written without `=`, as in `lr 0.1`"
    if token.type == "HYPHENATED" and "-" in token.text:
        return f"names are written with `_`: `{token.text.replace('-', '_')}`"
    if token.type == "PERCENT" and before[-1:].isdigit():
        return "a share is written as a number, such as 0.5"
    if token.type in _OPERATORS:
        return "arithmetic goes in parentheses: `conv (c*4) k1`"
    return None


def _advice_in_calls(token: Token, before: str, accepted: AbstractSet[str]) -> str | None:
    """`relu()`, and `conv(8 k3)` for what commas separate."""
    empty = re.search(r"([A-Za-z_]\w*)\($", before)
    if token.type == "RPAR" and empty:
        return f"a call has arguments; without any, write `{empty[1]}`"
    if {"COMMA", "RPAR"} <= accepted and not accepted & (_VALUE - {"MINUS"}) and token.type in _VALUE:
        return "arguments in parentheses are separated by commas"
    return None


def _advice_on_statements(token: Token, before: list[str], accepted: AbstractSet[str]) -> str | None:
    """Statements in Python's manner; before: the words of the line so far."""
    first = before[0] if before else ""
    if token.type in ("COLON", "EQUAL") and before == ["input"]:
        return "`input` is followed by its shape: `input 3x32x32`"
    if token.type == "COLON" and first == "block":
        return f"the body of a block goes in braces: `{' '.join(before)} {{ … }}`"
    if first == "param" and len(before) == 2 and "EQUAL" in accepted:
        value = token.text if token.type == "NUMBER" else 10 if "class" in before[1] else 64
        return f"a value follows `=`: `param {before[1]} = {value}`"
    if not before and token.type == "X" and "INPUT" in accepted:
        return "a step hands its output to the next one by itself: leave out `x =`"
    if not before and token.type == "MINUS":
        return "a step begins with its word: leave out the `-`"
    if not before and token.type in ("LPAR", "LSQB"):
        return "steps that belong together go in braces: `{ conv 64 k3 p1 -> relu } x3`"
    return None


def _advice_on_lines(source: Source, token: Token, accepted: AbstractSet[str]) -> str | None:
    """The mistakes in what belongs together and what begins anew."""
    if token.type == "ARROW" and NEWLINE in accepted:
        return "a statement is not a step: no `->` goes before or after it"
    if token.type == "WORD" and NEWLINE in accepted and "ARROW" not in accepted:
        return f"start a new line before `{token.text}`"
    if token.type == NEWLINE and accepted & {"LBRACE", "LPAR"} and "WORD" not in accepted:
        return "put the `{` on the same line as the word that it belongs to"
    if token.type == "LBRACE" and _before(source, token).rstrip().endswith("}"):
        return "branches go in one pair of braces, separated by `|`"
    if token.type == "FROM" and "ARROW" in accepted:
        return "`from` stands first in a branch: `add { from e1 -> conv 64 k1 | id }`"
    if token.type in ("IN", "NTH", "FROM", "X", "AUTO", "SAME", *STATEMENTS):
        return f"`{token.text}` is a reserved word of the language; choose another name"
    if token.type == END and _before(source, token).rstrip().endswith("->"):
        return "write a step after the last `->`, or leave it out"
    return _ADVICE.get(token.type)


def _before(source: Source, token: Token) -> str:
    """The text before a token, as far back as a word can reach."""
    start = token.span.start
    return source.text[max(0, start - 100) : start]


def _foreign(source: Source, token: Token, accepted: AbstractSet[str]) -> tuple[str, str] | None:
    """Paths without quotes, and comments as other languages write them."""
    start = token.span.start
    rest = source.text[start : start + 40]
    if _PATH.match(rest) and "RBRACE" in accepted and "ARROW" not in accepted:
        return _found(token), 'a path is written in quotes, such as `"../pictures"`'
    if (_COMMENT.match(rest) and "INPUT" in accepted) or (_REMARK.match(rest) and NEWLINE in accepted):
        return _found(token), "a comment begins with `#`"
    return None


def _special(source: Source, token: Token, accepted: AbstractSet[str], in_body: bool) -> tuple[str, str | None] | None:
    """The mistakes that have a name of their own: message and help."""
    text = token.text
    if token.type == "UNKNOWN":
        return _prefix(source, token) or _unknown_character(text)
    if token.type == "MALFORMED":
        return f"`{text}` is not a number", _number_advice(text)
    if token.type in STATEMENTS and accepted - _NEW_NAME:
        return _misplaced_statement(text, in_body)
    if (
        token.type == "RBRACE"
        and not in_body
        and "RBRACE" not in accepted
        and not _UNFINISHED.search(_before(source, token))
    ):
        return "this `}` closes nothing", "remove it, or add the `{` that it belongs to"
    if token.type == "FUNCTION" and "WORD" in accepted:
        kind = "form" if text in _FORMS else "step"
        apart = f"write `{text}` and its arguments with spaces between them"
        help = f"branches go in braces: `{text} {{ … }}`" if kind == "form" else apart
        return f"`{text}(` is a call, and a {kind} is not called", help
    if token.type == "ARROW" and "WORD" in accepted:
        return "there is no step before this `->`", "write a step on each side of `->`"
    if token.type == "BAR" and not in_body:
        return "`|` separates the branches of a form, but no form is open here", "write `concat { a | b }`"
    return None


def _prefix(source: Source, token: Token) -> tuple[str, str] | None:
    """`nn.ReLU`, pasted from Python."""
    span, end = token.span, token.span.end
    prefix = _before(source, token).split()[-1:] if source.slice(span) == "." else []
    if not prefix or not prefix[0].isidentifier() or not source.text[end : end + 1].isalpha():
        return None
    return "names have no dots in them", f"leave out `{prefix[0]}.`"


def _unknown_character(text: str) -> tuple[str, str | None]:
    if text == '"':
        return "this string is not closed on its line", 'add the closing `"`'
    meant = lookalike(text)
    shown = text if text.isprintable() else f"U+{ord(text):04X}"
    message = f"the character `{shown}` has no meaning in a spec"
    if meant is None:
        return message, None
    if meant == "nothing":
        return message, "leave it out"
    return message, f"write {meant if ' ' in meant else f'`{meant}`'} instead"


def lookalike(sign: str) -> str | None:
    """What the language writes for a sign: also for the full-width forms of its own."""
    from unicodedata import normalize

    plain = normalize("NFKC", sign)
    return _LOOKALIKES.get(sign) or (plain if sign != plain and plain.isascii() and plain.isprintable() else None)


def _number_advice(text: str) -> str:
    if text.startswith("."):
        return f"write a digit before the point: `0{text}`"
    if re.fullmatch(r"[0-9]+[xX]", text):
        return f"a repeat comes after what is repeated: `conv 64 k3 x{text[:-1]}`"
    if "X" in text or text.endswith("x"):
        return "a size is written without spaces and with a small x, such as 3x32x32"
    if re.fullmatch(r"[0-9]+\.", text):
        return "steps are not numbered: leave out the number before the word"
    parts = re.fullmatch(r"([0-9]+)([kspdg][0-9].*)", text)
    if parts:
        return f"put a space between the two: `{parts[1]} {parts[2]}`"
    return "numbers are written 3, 0.5, 1e-3 or 12M; a name begins with a letter"


def _misplaced_statement(text: str, in_body: bool) -> tuple[str, str]:
    if in_body:
        return f"`{text}` belongs at the top level, not inside `{{ }}`", f"move the `{text}` line out of the braces"
    return f"`{text}` is a statement and begins a line of its own", f"start a new line before `{text}`"
