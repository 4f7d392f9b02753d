"""A spec in words, with the freedom of layout that the page gives."""

from __future__ import annotations

from random import Random

from generate_from_page import tree
from generate_from_page.tree import Branch, Expression, Spec, Step


def written(spec: Spec, layout: Random | None = None) -> str:
    """The text; without `layout` every statement and step on a line of its own. Notes the line of each step."""
    writer = Writer(layout)
    for statement in spec.statements:
        writer.statement(statement)
        writer.put(writer.choose("\n", "\n", "\n\n", ";", " # so\n"))
    return writer.text()


class Writer:
    """Text so far, and the number of its last line."""

    def __init__(self, layout: Random | None) -> None:
        self.pieces: list[str] = []
        self.line = 1
        self.layout = layout

    def text(self) -> str:
        return "".join(self.pieces) + "\n"

    def put(self, text: str) -> None:
        self.pieces.append(text)
        self.line += text.count("\n")

    def choose(self, *ways: str) -> str:
        return self.layout.choice(ways) if self.layout else ways[0]

    def statement(self, statement: tree.Statement) -> None:
        match statement:
            case tree.Input(shape):
                self.put("input " + "x".join(map(str, shape)))
            case tree.Param(name, value):
                bare = isinstance(value, tree.Operation) and self.choose("(", "") == ""
                self.put(f"param {name} = " + (operation(value) if bare else plain(value)))
            case tree.Block(name, parameters, body):
                heads = [key if value is None else f"{key}={plain(value)}" for key, value in parameters]
                self.put(f"block {name}" + (f"({', '.join(heads)})" if heads else "") + " ")
                self.braces([body])
            case tree.Budget(what, bound):
                self.put(f"budget {what} <= {bound}")
            case tree.Train(settings):
                self.put("train { " + self.choose(" ; ", "\n").join(settings) + " }")
            case tree.Chain(steps):
                self.chain(steps)

    def chain(self, steps: list[Step]) -> None:
        for place, step in enumerate(steps):
            if place:
                self.put(self.choose("\n", " -> ", " -> ", " ; ", "\n-> ", " ->\n  ", " # then\n", "\n\n"))
            self.step(step)

    def braces(self, branches: list[Branch]) -> None:
        self.put("{" + self.choose(" ", " ", "\n  "))
        for place, branch in enumerate(branches):
            if place:
                self.put(self.choose(" | ", " | ", "\n| ", " |\n"))
            if branch.name is not None:
                self.put(f"{branch.name}: ")
            if branch.start is not None:
                self.put(f"from {branch.start}" + (self.choose(" -> ", "\n") if branch.steps else ""))
            self.chain(branch.steps)
        self.put(self.choose(" ", " ", "\n") + "}")

    def step(self, step: Step) -> None:
        if step.label is not None:
            self.put(f"{step.label}: ")
        step.line = self.line
        self.put(step.word)
        for number, argument in enumerate(step.arguments):
            self.put((" " if step.word or number else "") + written_argument(argument))
        if step.branches:
            self.put(" " if step.word else "")
            self.braces(step.branches)
        if isinstance(step.shortcut, Branch):
            self.put(self.choose(" ", "\n") + "shortcut ")
            self.braces([step.shortcut])
        elif step.shortcut:
            self.put(self.choose(" ", "\n") + f"shortcut {step.shortcut}")
            step.shortcut_line = self.line
        self.put(" frozen" if step.frozen else "")
        self.tail(step)

    def tail(self, step: Step) -> None:
        if isinstance(step.repeat, tree.Number) and self.choose("x", "x=") == "x":
            self.put(f" x{step.repeat.text}")
        elif step.repeat is not None:
            self.put(f" x={plain(step.repeat)}")
        if step.note is not None:
            self.put(self.choose(" ", "     ") + ":: " + "x".join("_" if n is None else str(n) for n in step.note))


def written_argument(argument: tree.Argument) -> str:
    if argument.key is None:
        return plain(argument.value)
    return argument.key + ("" if argument.short else "=") + plain(argument.value)


def plain(value: Expression) -> str:
    """An expression where an argument stands: operations in parentheses."""
    match value:
        case tree.Number(text) | tree.Name(text):
            return text
        case tree.Sized(sizes):
            return "x".join(map(str, sizes))
        case tree.Operation():
            return f"({operation(value)})"
        case tree.Negative(of):
            return f"(-{plain(of)})"
        case tree.Function(name, arguments):
            return f"{name}({', '.join(operation(each) for each in arguments)})"
        case tree.Listed(items):
            return "[" + " ".join(map(plain, items)) + "]"
        case tree.Valued(word, arguments):
            return f"{word}({', '.join(map(written_argument, arguments))})"


def operation(value: Expression) -> str:
    """The same where parentheses may be left out; inner ones are always written."""
    if isinstance(value, tree.Operation):
        return f"{plain(value.left)}{value.sign}{plain(value.right)}"
    return plain(value)
