"""The forward pass of a class: plain code, with the shape behind each line that changes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from specc.emit.python import code
from specc.emit.python.code import CallText, Sum, laid_out
from specc.emit.python.nodes import CallNode, FormNode, ItemNode, LayerNode, Node
from specc.emit.python.plan import ClassPlan, count_of, is_loop
from specc.emit.python.progressions import Progression

LONGEST = 40  # characters of calls in calls; more are parted into statements


class ForwardMethod:
    """The lines of a forward pass while they are written.

    x: what has been computed but not yet assigned; shape: that of x; told: the one that was last written.
    """

    def __init__(self, plan: ClassPlan) -> None:
        self.plan = plan
        self.done: list[str] = []
        self.x = "x"
        self.shape: tuple[Any, ...] = plan.inputs
        self.told = ""

    def write(self) -> list[str]:
        self._run_all()
        return self._lines()

    def summary(self) -> str:
        """What the class makes of what: `in_channels×H×W to c×H×W`."""
        return f"{self._told(self.plan.inputs)} to {self._told(self.plan.node.output) or 'several outputs'}"

    def _run_all(self) -> None:
        self.told = self._told(self.shape)
        if self.plan.runs_children():
            self._run_children()
            return
        for item in self.plan.items:
            self._run(item)
            self._keep(item)

    def _keep(self, item: ItemNode | Progression) -> None:
        """Assigns what left a step to a name of its own, where a branch goes on from there."""
        if isinstance(item, ItemNode) and _last_name(item) in self.plan.node.keeps:
            self._flush()
            self.done.append(f"        {self.plan.kept(_last_name(item))} = x")

    def _run_children(self) -> None:
        modules = [item for item in self.plan.items if self.plan.is_module(item)]
        for item in self.plan.items:
            if item is modules[0]:
                self._flush()
                self.done += ["        for step in self.children():", "            x = step(x)"]
            if item in modules:
                self.shape = item.node.output
            else:
                self._run(item)

    def _run(self, item: ItemNode | Progression) -> None:
        if isinstance(item, Progression):
            self._run_loop(item.prefix, f"range({item.start}, {item.stop})", item.node)
            return
        node = item.node
        if isinstance(node, FormNode):
            self._flush()
            self._join(node, item)
        elif isinstance(node, LayerNode) and self.plan.is_functional(item):
            self._apply(node)
        elif is_loop(item):
            stop = self.plan.symbols.express(item.stop, "stop")
            numbers = (
                f"self.{self.plan.numbers(item.prefix)}" if stop else f"range({item.number}, {item.stop.known[0]})"
            )
            self._run_loop(item.prefix, numbers, node)
        else:
            self._call_module(item)
        self.shape = node.output

    def _call_module(self, item: ItemNode) -> None:
        for offset in range(count_of(item) or 0):
            if not isinstance(item.node, LayerNode) or item.node.begins or len(self.x) > LONGEST:
                self._flush()
            name = item.name if item.number is None else f"{item.prefix}{item.number + offset}"
            self.x = f"{self.plan.child(name)}({self._given(self.x, item.node)})"
            self.shape = item.node.output

    def _given(self, x: str, node: Node | None) -> str:
        """The arguments of a module: x, and what it goes on from outside of it."""
        borrows = node.borrows if isinstance(node, CallNode) else ()
        return ", ".join([x, *map(self.plan.kept, borrows)])

    def _apply(self, node: LayerNode) -> None:
        """A layer without weights, as a function."""
        function = node.function
        assert function is not None  # noqa: S101 - `_is_functional` looked
        if node.begins or len(self.x) > LONGEST:
            self._flush()
        if function.kind == "call":
            self.plan.words.add(function.name)
            args = [
                code.flat(value) if not key else f"{key}={code.flat(value)}"
                for key, value in self.plan.args(function.args)
            ]
            self.x = f"{function.name}({', '.join([self.x, *args])})"
            self.shape = node.output
            return
        values = {
            arg.name: self.plan.symbols.express(arg.value, arg.name) or code.flat(code.literal(arg.value.known[0]))
            for arg in function.args
        }
        self.x = function.name.format(x=self.x, like=self.plan.kept(node.like), **values)
        self.shape = node.output
        if function.args:  # an operator: what follows is a statement of its own
            self._flush()

    def _run_loop(self, prefix: str, numbers: str, node: Node) -> None:
        self._flush()
        self.done += [
            f"        for number in {numbers}:",
            f'            x = self.get_submodule(f"{prefix}{{number}}")({self._given("x", node)})',
        ]
        self.shape = node.output

    def _flush(self) -> None:
        """Assigns what has been computed."""
        if self.x != "x":
            self.done += laid_out("x = ", self.x, "", 8, self._comment())
            self.x = "x"

    def _comment(self) -> str:
        """The shape, where it is another one than last told."""
        told = self._told(self.shape)
        changed = told != self.told
        self.told = told
        return told if changed and "_" not in told.split("×")[:1] else ""

    def _told(self, shape: Sequence[Any]) -> str:
        return "×".join(self._dimension(axis, column) for axis, column in enumerate(shape))

    def _dimension(self, axis: int, column: Any) -> str:
        if column.is_constant:
            return str(column.known[0])
        if axis and len(self.plan.inputs) > axis:
            letter = ("HW" if len(self.plan.inputs) < 4 else "DHW")[axis - 1]
            whole = self.plan.inputs[axis]
            return letter if column.values == whole.values else self.plan.symbols.ratio(column, whole, letter)
        if axis:
            return "_"
        name = self.plan.symbols.known(column)
        if name is not None:
            return name
        text = self.plan.symbols.derived(column, only_used=True) or self.plan.symbols.sum_of_used(column) or "_"
        text = text.replace(" * ", "·").replace(" // ", "/")
        return f"({text})" if " " in text else text

    # branches

    def _join(self, node: FormNode, item: ItemNode) -> None:
        path = self.plan.child(item.name)
        begins = {name: self.plan.kept(kept) for name, kept in node.origins}
        runs = {
            name: begins.get(name, "x")
            if branch is None
            else f'{path}["{name}"]({self._given(begins.get(name, "x"), branch)})'
            for name, branch in node.branches
        }
        self.shape = node.output
        if not node.joined.is_constant:
            self.done.append(f"        out = {runs['body']}")
            self._assign(f"out + x if self.{self.plan.flag(item)} else out")
            return
        match node.joined.known[0]:
            case "none":
                self._assign(runs["body"])
            case "add":
                self._assign(Sum(tuple(runs.values())))
            case "mul":
                self._assign(Sum(tuple(runs.values()), "*"))
            case "outputs":
                lines = [f'            "{name}": {run},' for name, run in runs.items()]
                self.done += ["        return {", *lines, "        }"]
            case "concat":
                self._concat(path, runs)
            case "split":
                self._split(path, node, runs)

    def _assign(self, value: code.Code) -> None:
        self.done += laid_out("x = ", value, "", 8, self._comment())

    def _concat(self, path: str, runs: dict[str, str]) -> None:
        alike = all(run == f'{path}["{name}"](x)' for name, run in runs.items())
        if len(runs) > 2 and alike:
            self._assign(f"torch.cat([branch(x) for branch in {path}.values()], dim=1)")
        else:
            joined = CallText("", tuple(("", run) for run in runs.values()), "[]")
            self._assign(CallText("torch.cat", (("", joined), ("dim", "1"))))

    def _split(self, path: str, node: FormNode, runs: dict[str, str]) -> None:
        cut = f"split({list(node.parts)}" if node.parts else f"chunk({len(runs)}"
        self.done.append(f"        parts = x.{cut}, dim=1)")
        pieces = [
            f"parts[{place}]" if branch is None else f'{path}["{name}"]({self._given(f"parts[{place}]", branch)})'
            for place, (name, branch) in enumerate(node.branches)
        ]
        joined = CallText("", tuple(("", piece) for piece in pieces), "[]")
        self._assign(CallText("torch.cat", (("", joined), ("dim", "1"))))

    def _lines(self) -> list[str]:
        told = self._told(self.plan.inputs)
        shape = "" if "_" in told.split("×")[0] else f"  # {told}"
        given = ", ".join(
            ["self", "x: Tensor", *(f"{self.plan.kept(name)}: Tensor" for name in self.plan.node.borrows)]
        )
        returns = self.done and self.done[-1] == "        }"
        lines = [f"    def forward({given}) -> {'dict[str, Tensor]' if returns else 'Tensor'}:{shape}"]
        if returns:
            return [*lines, *self.done]
        if self.x != "x":
            return [*lines, *self.done, *laid_out("return ", self.x, "", 8, self._comment())]
        if self.done and self.done[-1].startswith("        x = "):
            last = f"        return {self.done[-1].removeprefix('        x = ')}"
            if len(last) <= code.WIDTH:
                return [*lines, *self.done[:-1], last]
        return [*lines, *self.done, "        return x"]


def _last_name(item: ItemNode) -> str:
    """The name of the last of an item's repeats."""
    return item.name if item.number is None else f"{item.prefix}{item.stop.known[0] - 1}"
