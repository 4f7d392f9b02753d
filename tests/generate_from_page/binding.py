"""Which value goes into which field, and what must hold of words that are never built."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fractions import Fraction

from generate_from_page import tree
from generate_from_page.fields import FORMS, LAYERS, WEIGHTED, Fields
from generate_from_page.tree import Argument, Branch, Step
from generate_from_page.values import Layered, Macro, Option, Scope, Value, WrongError, evaluate

Item = tuple[str | None, Value]
LETTERS = {"k": "kernel", "s": "stride", "p": "padding", "d": "dilation", "g": "groups"}
INITS = ("xavier_uniform", "xavier_normal", "kaiming_uniform", "kaiming_normal", "orthogonal", "trunc_normal",
         "normal", "zeros", "ones", "constant", "dirac")  # fmt: skip


def fields_of(target: str | Macro) -> Fields:
    if isinstance(target, str):
        return LAYERS[target]
    names = tuple(name for name, _ in target.block.parameters)
    defaults: dict[str, Value | None] = {
        name: value == tree.Name("true")
        for name, value in target.block.parameters
        if value in (tree.Name("true"), tree.Name("false"))
    }
    begins: dict[str, list[str]] = {}
    for name in names:
        begins.setdefault(name[0], []).append(name)
    shorts = {letter: found[0] for letter, found in begins.items() if len(found) == 1}
    shorts |= {letter: name for letter, name in LETTERS.items() if name in names}
    return Fields(names, defaults, frozenset({"frozen"}), shorts, {})


def layered(word: str, given: tuple[Argument, ...], scope: Scope) -> Layered | None:
    """A word that stands for a layer or block, with arguments worked out here."""
    held = scope.names.get(word)
    if isinstance(held, Layered):
        return Layered(held.target, (*held.items, *arguments(given, held.target, scope)))
    if word in LAYERS and held is None:
        return Layered(word, tuple(arguments(given, word, scope)))
    return None


def arguments(given: Iterable[Argument], target: str | Macro, scope: Scope) -> list[Item]:
    """Fields and values, None for a field where the value takes the next one."""
    own = fields_of(target)
    return [one_argument(argument, target, own, scope) for argument in given]


def one_argument(argument: Argument, target: str | Macro, own: Fields, scope: Scope) -> Item:
    value = argument.value
    if argument.key is None and isinstance(value, tree.Name):
        return bare_word(value.word, target, own, scope)
    if argument.key is not None and argument.short:
        spelled = argument.key + "x".join(map(str, value.sizes)) if isinstance(value, tree.Sized) else (
            argument.key + value.text if isinstance(value, tree.Number) else "")  # fmt: skip
        if spelled in scope.names:
            return None, scope.names[spelled]
    key = None if argument.key is None else own.key(argument.key)
    if argument.key is not None and key is None:
        raise WrongError(f"no argument `{argument.key}`")
    if key == "init":
        return key, initial(value, scope)
    if key in ("like", "frozen") and isinstance(value, tree.Name):
        return key, Option(value.word) if value.word not in ("true", "false") else value.word == "true"
    if isinstance(value, tree.Name) and (key, value.word) in {(at, word) for word, at in (own.options or {}).items()}:
        return key, Option(value.word)  # `mode=linear`, though `linear` is a layer too
    result = evaluate(value, scope)
    if isinstance(result, Layered) and not isinstance(target, Macro):
        raise WrongError("a layer where a number belongs")
    return key, result


def bare_word(word: str, target: str | Macro, own: Fields, scope: Scope) -> Item:
    if word == "frozen" and (isinstance(target, Macro) or target in WEIGHTED):
        return "frozen", True
    if word in (own.options or {}):
        return (own.options or {})[word], Option(word)
    if word in own.flags():
        return own.flags()[word]
    short = re.fullmatch(r"([a-z]+?)(\d+(?:x\d+)*)", word)
    if short and word not in scope.names and (key := (own.short or {}).get(short[1])):
        return key, tuple(map(Fraction, short[2].split("x"))) if "x" in short[2] else Fraction(short[2])
    result = evaluate(tree.Name(word), scope)
    if isinstance(result, Option) and isinstance(target, str) and not isinstance(scope.names.get(word), Option):
        raise WrongError(f"`{word}` is no option here")
    if isinstance(result, Layered) and isinstance(target, str):
        raise WrongError("a layer where a number belongs")
    return None, result


def initial(value: tree.Expression, scope: Scope) -> Layered:
    word, given = (value.word, value.arguments) if isinstance(value, tree.Valued) else (
        value.word if isinstance(value, tree.Name) else "", ())  # fmt: skip
    if word not in INITS:
        raise WrongError("no way to begin")
    return Layered(word, tuple((None, evaluate(argument.value, scope)) for argument in given))


def filled(items: Iterable[Item], own: Fields) -> dict[str, Value]:
    """Each value in its field."""
    found: dict[str, Value] = {}
    for key, value in items:
        seat = key or next((name for name in own.positional if name not in found), None)
        if seat is None:
            raise WrongError("one argument too many")
        if seat in found:
            raise WrongError(f"`{seat}` twice")
        found[seat] = value
    return found


# What is never built: an `x0` step, the body of a block that nobody calls. Its words must exist; its values are not
# looked at.


def words_exist(branch: Branch, names: dict[str, Value | None]) -> None:
    if not branch.steps and branch.start is None:
        raise WrongError("an empty body")
    for step in branch.steps:
        word_exists(step, names)


def word_exists(step: Step, names: dict[str, Value | None]) -> None:
    """`names` maps a name to its value, None for one that only a call will know."""
    if step.word in FORMS or not step.word:
        if not step.branches:
            raise WrongError("no branch")
        for branch in (*step.branches, *([step.shortcut] if isinstance(step.shortcut, Branch) else [])):
            words_exist(branch, names)
        return
    held = names.get(step.word)
    if step.word in names and held is None:
        return
    if isinstance(held, Layered):
        target = held.target
        seats: list[str | None] = [key for key, _ in held.items]
    elif step.word in LAYERS:
        target, seats = step.word, []
    else:
        raise WrongError(f"there is no `{step.word}`")
    own = fields_of(target)
    seated = seats_taken([*seats, *(seat(each, target, own, names) for each in step.arguments)], own)
    for name in own.positional if isinstance(target, str) else [k for k, v in target.block.parameters if v is None]:
        if name not in seated and own.defaults.get(name, 0 if isinstance(target, str) else None) is None:
            raise WrongError(f"`{name}` is required")


def seat(argument: Argument, target: str | Macro, own: Fields, names: dict[str, Value | None]) -> str | None:
    """The field of an argument whose value is not looked at, None for the next one."""
    value = argument.value
    if argument.key is not None:
        key = own.key(argument.key)
        if key is None:
            raise WrongError(f"no argument `{argument.key}`")
        return key
    if not isinstance(value, tree.Name):
        return None
    word = value.word
    if word == "frozen" and (isinstance(target, Macro) or target in WEIGHTED):
        return "frozen"
    if word in (own.options or {}):
        return (own.options or {})[word]
    if word in own.flags():
        return own.flags()[word][0]
    known = word in names or word in ("in", "nth", "true", "false") or (word in LAYERS and isinstance(target, Macro))
    if not known:
        raise WrongError(f"there is no `{word}`")
    return None


def seats_taken(seats: Iterable[str | None], own: Fields) -> set[str]:
    return set(filled([(key, False) for key in seats], own))
