"""Written arguments in, fields out: each argument finds the field that it is for.

In:         a step's arguments, the signature of what it names, the names in scope.
Out:        an `Argument` for each field that is given; errors for those that fit nowhere.
Leaves:     the values: an expression is not worked out here, and no value is checked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from specc.diagnostics.diagnostic import Diagnostic
from specc.diagnostics.proposal import Proposal, renamed
from specc.diagnostics.spelling import nearest
from specc.ir.model import Argument, Doubt
from specc.ir.names.foreign import inferred, own_argument_word
from specc.ir.names.holes import HOLE, holes_in, key_of, open_argument
from specc.ir.names.scope import Scope
from specc.ir.names.signature import SHORTHAND, Signature, option_words, shorthand
from specc.layers.registry import LAYERS, find_layer
from specc.source import Span
from specc.syntax import tree
from specc.syntax.numerals import whole_of

_INFERRED = "leave out what arrives: it is inferred from the step before"
_RUN_TOGETHER = r"[ksdpg][0-9]+(?:x[0-9]+)*"
_REPEAT = re.compile(r"x([0-9]+|_)")


class Bound(NamedTuple):
    """A step's arguments by field, an error for each that fits nowhere, and what is doubtful.

    asked: the arguments with holes in them, each of which is one of the errors.
    """

    arguments: tuple[Argument, ...]
    misfits: tuple[Diagnostic, ...]
    doubts: tuple[Doubt, ...]
    asked: tuple[Argument, ...] = ()


def take_repeat(
    arguments: Sequence[tree.Argument], scope: Scope
) -> tuple[tuple[tree.Argument, ...], tree.Value | None, Diagnostic | None]:
    """Parts the repeat (`x3`, `x=n`) from the other arguments. Returns: the rest, the count, an error."""
    found = [argument for argument in arguments if _repeat_of(argument, scope) is not None]
    if not found:
        return tuple(arguments), None, None
    rest = tuple(argument for argument in arguments if argument not in found)
    count = _repeat_of(found[-1], scope)
    if len(found) > 1:
        return rest, count, _misfit("E215", "this step has more than one repeat", found[1].span, "keep one repeat")
    if arguments[-1] is not found[0]:
        return rest, count, _misfit("E215", "the repeat comes last", found[0].span, "move it after the other arguments")
    return rest, count, None


def _repeat_of(argument: tree.Argument, scope: Scope) -> tree.Value | None:
    if isinstance(argument, tree.Keyword):
        return argument.value if argument.key.text == "x" else None
    word = argument.value
    if not isinstance(word, tree.Word) or not word.text.startswith("x") or scope.knows(word.text):
        return None
    match = _REPEAT.fullmatch(word.text)
    if match is None or match[1] == HOLE:
        return tree.Word(HOLE, word.span) if match else None
    return tree.Number(whole_of(match[1]), word.span)


def take_frozen(
    arguments: Sequence[tree.Argument], keys: Mapping[str, str] | None = None
) -> tuple[tuple[tree.Argument, ...], bool]:
    """Parts the flag `frozen` from a container's arguments, unless a parameter has that name."""
    if keys and "frozen" in keys:
        return tuple(arguments), False
    rest = tuple(argument for argument in arguments if not _is_frozen(argument))
    return rest, len(rest) < len(arguments)


def _is_frozen(argument: tree.Argument) -> bool:
    value = argument.value
    return isinstance(argument, tree.Positional) and isinstance(value, tree.Word) and value.text == "frozen"


def bind(
    arguments: Sequence[tree.Argument],
    signature: Signature,
    scope: Scope,
    span: Span,
    given: Sequence[Argument] = (),
    *,
    partly: bool = False,
) -> Bound:
    """Gives each argument its field.

    Args: span, the place of the word, for what is missing; given, what a value holds that becomes a step here;
          partly, whether others may be given later.
    """
    binding = _Binding(signature, scope, given)
    for argument in arguments:
        binding.take(argument)
    if not partly:
        binding.require(span)
    asked = tuple(binding.found[name] for name in binding.asked)
    known = tuple(argument for name, argument in binding.found.items() if name not in binding.asked)
    return Bound(known, (*binding.misfits, *binding.holes), tuple(binding.doubts), asked)


class _Binding:
    """The arguments of one step, one after another."""

    def __init__(self, signature: Signature, scope: Scope, given: Sequence[Argument]) -> None:
        self.signature, self.scope = signature, scope
        self.found = {argument.name: argument for argument in given}
        self.misfits: list[Diagnostic] = []
        self.holes: list[Diagnostic] = []
        self.asked: set[str] = set()  # the fields of which something is a hole
        self.doubts: list[Doubt] = []
        self.after_lone_key = False

    def take(self, argument: tree.Argument) -> None:
        if self.after_lone_key and not isinstance(argument.value, tree.Word):
            self.after_lone_key = False  # the value that was meant for the key before it, which is reported
        elif isinstance(argument, tree.Keyword):
            self._take_key(argument)
        elif isinstance(argument.value, tree.Word):
            self._take_word(argument.value)
        else:
            self._take_position(argument.value)

    def require(self, span: Span) -> None:
        missing = [name for name in self.signature.required if name not in self.found]
        if not missing and not self.signature.one_of:
            return
        given = [self.found[name] for name in self.signature.one_of if name in self.found]
        alternatives = " or ".join(f"`{name}`" for name in self.signature.one_of)
        if len(given) > 1:
            message = f"`{self.signature.name}` takes {alternatives}, not both"
            self.misfits.append(_misfit("E206", message, given[-1].span, "keep one of the two"))
        missing += self.signature.one_of[:1] if not given else ()
        if missing and not self.misfits:
            names = alternatives or " and ".join(f"`{name}`" for name in missing)
            message = f"`{self.signature.name}` needs {names}"
            self.misfits.append(_misfit("E203", message, span, _missing_help(self.signature, missing)))

    def _take_key(self, argument: tree.Keyword) -> None:
        field = self.signature.keys.get(argument.key.text)
        if field is None:
            self.misfits.append(self._unknown_key(argument.key))
        elif field in self.signature.labels:
            self._take_label(field, argument)
        else:
            self._set(Argument(field, argument.value, None, argument.span))

    def _take_label(self, field: str, argument: tree.Keyword) -> None:
        if isinstance(argument.value, tree.Word):
            self._set(Argument(field, None, argument.value.text, argument.value.span))
            return
        message = f"`{field}=` takes the label of a step"
        self.misfits.append(_misfit("E204", message, argument.value.span, f"such as `{field}=c4`"))

    def _take_word(self, word: tree.Word) -> None:
        """A bare word is, the first that fits: an option or a flag, a name in scope, a shorthand."""
        flag = self.signature.flags.get(word.text)
        if flag is not None:
            self._doubt_flag(word, flag[0])
            self._set(Argument(flag[0], None, flag[1], word.span))
        elif self.scope.knows(word.text) or word.text in ("true", "false", HOLE) or self._names_step(word.text):
            self._take_position(word)
        elif not self._take_shorthand(word):
            if self.signature.any_word and word.text in option_words():
                self._take_position(word)
            else:
                self.misfits.append(self._unknown_word(word))

    def _take_shorthand(self, word: tree.Word) -> bool:
        asked = self.signature.keys.get(key_of(word.text) or "") if HOLE in word.text else None
        if asked is not None:
            self._set(Argument(asked, tree.Word(HOLE, word.span), None, word.span))
            return True
        parts = shorthand(word.text)
        if parts is None or parts[0] not in self.signature.keys:
            return False
        key, sizes = parts
        value = tree.SizeLiteral(sizes, word.span) if len(sizes) > 1 else tree.Number(sizes[0], word.span)
        self._set(Argument(self.signature.keys[key], value, None, word.span))
        return True

    def _names_step(self, text: str) -> bool:
        """Whether a word is a layer or a block that this step can hand on: a layer takes none.

        Packages are asked for layers only where it is no shorthand either: looking for packages takes a while.
        """
        if not self.signature.any_word or text in self.scope.blocks or text in LAYERS:
            return self.signature.any_word
        parts = shorthand(text)
        return not (parts and parts[0] in self.signature.keys) and find_layer(text) is not None

    def _take_position(self, value: tree.Value) -> None:
        """A bare argument fills the next field that nothing before it has filled."""
        field = next((name for name in self.signature.positional if name not in self.found), None)
        if field is None:
            self.misfits.append(self._too_many(value))
            return
        meant = self._step_meant(value, field)
        if meant is not None:
            self.misfits.append(meant)
        if isinstance(value, tree.Word):
            self._doubt_key(value, field)
        self._set(Argument(field, value, None, value.span))

    def _step_meant(self, value: tree.Value, field: str) -> Diagnostic | None:
        """`cbr 8 silu` with `block cbr(c, k=3, act=relu)`: a layer where a number is usual, and not where one is."""
        default = self.signature.defaults.get(field)
        word = None if default is None else _word_of(value)
        if word is None or default is None or not self._is_step(word.text) or not _is_plain(default):
            return None
        for name in self.signature.positional:
            usual = _word_of(self.signature.defaults.get(name))
            if name not in self.found and usual is not None and self._is_step(usual.text):
                message = f"`{word.text}` is a layer, and fills `{field}` of `{self.signature.name}` here"
                arguments = "(…)" if isinstance(value, tree.Call) else ""
                return _misfit("E204", message, value.span, f"write `{name}={word.text}{arguments}`")
        return None

    def _is_step(self, text: str) -> bool:
        return text not in self.scope.values and (text in self.scope.blocks or find_layer(text) is not None)

    def _doubt_key(self, word: tree.Word, field: str) -> None:
        """A name that is also the key of another field: `conv c k2 d` fills the stride."""
        meant = self.signature.keys.get(word.text, field)
        if meant != field:
            message = f"`{word.text}` fills `{field}` here, and is also the key of `{meant}`"
            help = f"write `{field}={word.text}`, or `{meant}={word.text}`"
            self.doubts.append(Doubt(message, word.span, help))

    def _doubt_flag(self, word: tree.Word, field: str) -> None:
        """A flag that has the name of a value in scope: it does not hand the value on."""
        if self.scope.knows(word.text):
            kind = "a flag" if isinstance(self.signature.flags[word.text][1], bool) else "an option"
            message = f"`{word.text}` is {kind} of `{self.signature.name}` here, not the name in scope"
            self.doubts.append(Doubt(message, word.span, f"`{field}={word.text}` hands the value on"))

    def _set(self, argument: Argument) -> None:
        earlier = self.found.get(argument.name)
        if earlier is not None:
            message = f"`{argument.name}` is given twice"
            self.misfits.append(_misfit("E206", message, argument.span, "keep one of the two"))
            return
        self.found[argument.name] = argument
        if not isinstance(argument.value, tree.Number | tree.SizeLiteral | None) and not self.scope.knows(HOLE):
            self._note_holes(argument.name, argument.value)

    def _note_holes(self, field: str, value: tree.Value) -> None:
        holes = [open_argument(self.signature.name, field, hole.span) for hole in holes_in(value)]
        if holes:
            self.holes += holes
            self.asked.add(field)

    def _too_many(self, value: tree.Value) -> Diagnostic:
        names = ", ".join(f"`{name}`" for name in self.signature.positional)
        order = " in this order" if len(self.signature.positional) > 1 else ""
        taken = f"takes {names}{order}" if names else "takes no arguments without a key"
        message = f"one argument too many: `{self.signature.name}` {taken}"
        infers = self.signature.positional[:1] == ("out",)
        return _misfit("E205", message, value.span, _INFERRED if infers else "leave it out, or give it its key")

    def _unknown_key(self, key: tree.Word) -> Diagnostic:
        if key.text in self.signature.flags:
            message = f"`{key.text}` is a flag, and takes no value"
            return _misfit("E202", message, key.span, f"write `{key.text}` alone")
        message = f"`{self.signature.name}` has no argument `{key.text}`"
        return _misfit("E202", message, key.span, *self._meant(key.text))

    def _meant(self, text: str) -> tuple[str, tuple[Proposal, ...]]:
        if text in inferred():
            return _INFERRED, ()
        own = own_argument_word(text)
        if own in self.signature.keys:
            return renamed(own, "", "called")
        takes = ", ".join(f"`{name}`" for name in dict.fromkeys(self.signature.keys.values()))
        otherwise = f"it takes {takes}" if takes else f"`{self.signature.name}` takes no arguments"
        return renamed(nearest(text, self.signature.keys), otherwise)

    def _unknown_word(self, word: tree.Word) -> Diagnostic:
        known = [*self.signature.flags, *self.signature.keys, *self.scope.values, *self.scope.open]
        guess = nearest(word.text, known)
        shorthand = SHORTHAND.fullmatch(word.text)
        if find_layer(word.text) is not None:
            message = f"`{word.text}` is a layer, not an argument of `{self.signature.name}`"
            return _misfit("E207", message, word.span, f"a layer is a step of its own: write `-> {word.text}`")
        if guess == word.text:
            self.after_lone_key = True
            message = f"`{word.text}` stands alone: a key and its value belong together"
            return _misfit("E202", message, word.span, f"write `{word.text}=3`, or `{word.text}3` for a size")
        meant = self._other_spelling(word.text)
        if meant is not None:
            message = f"`{word.text}` is not an argument of `{self.signature.name}`, nor a name in scope"
            return _misfit("E207", message, word.span, *renamed(meant, "", "written"))
        run_together = re.findall(_RUN_TOGETHER, word.text)
        if len(run_together) > 1 and "".join(run_together) == word.text:
            message = f"`{word.text}` is several arguments in one word"
            return _misfit("E202", message, word.span, f"write `{' '.join(run_together)}`")
        if shorthand and not guess:
            keys = [key for key in self.signature.keys if len(key) == 1]
            help = "its short keys are " + ", ".join(f"`{key}`" for key in keys) if keys else "it takes no shorthand"
            return _misfit("E202", f"`{self.signature.name}` has no argument `{shorthand[1]}`", word.span, help)
        help = "a name is defined by `param` or as a block's parameter"
        message = f"`{word.text}` is not an argument of `{self.signature.name}`, nor a name in scope"
        return _misfit("E207", message, word.span, *renamed(guess, help))

    def _other_spelling(self, text: str) -> str | None:
        """A flag or a shorthand that is written in capitals, an option word of another framework."""
        from specc.ir.names.habits import option_meant

        small = text.lower()
        shorthand = SHORTHAND.fullmatch(small)
        if small != text and (small in self.signature.flags or (shorthand and shorthand[1] in self.signature.keys)):
            return small
        return option_meant(text, tuple(self.signature.flags))


def _misfit(
    code: str, message: str, span: Span, help: str | None = None, proposals: tuple[Proposal, ...] = ()
) -> Diagnostic:
    return Diagnostic(code, message, None, span, help=help, proposals=proposals)


def _word_of(value: tree.Value | None) -> tree.Word | None:
    """The word that a value is, or that is called."""
    value = value.function if isinstance(value, tree.Call) else value
    return value if isinstance(value, tree.Word) else None


def _is_plain(default: tree.Value) -> bool:
    """Whether a default is a number, a size or a list, or true or false."""
    if isinstance(default, tree.Word):
        return default.text in ("true", "false")
    return not isinstance(default, tree.Call | tree.Text)


def _missing_help(signature: Signature, missing: list[str]) -> str:
    short = {field: key for key, field in signature.keys.items() if len(key) == 1}
    if missing[0] in short and len(missing) == 1:
        return f"give it as `{short[missing[0]]}3` or `{missing[0]}=3`"
    if missing[0] in signature.positional:
        places = signature.positional[: signature.positional.index(missing[-1]) + 1]
        return f"write it after the word: `{signature.name} {' '.join(places)}`"
    return "give it as " + ", ".join(f"`{name}=…`" for name in missing)
