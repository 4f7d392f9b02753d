"""The forward pass of a class: plain code, with the shape behind each line that changes it."""

from __future__ import annotations

from specc.emit.python import code
from specc.emit.python.code import CallText, Sum, laid_out
from specc.emit.python.nodes import CallNode, FormNode, ItemNode, LayerNode, Node
from specc.emit.python.plan import ClassPlan, is_loop

LONGEST = 40  # characters of calls in calls; more are parted into statements


class ForwardMethod:
    """The lines of a forward pass while they are written.

    x: what has been computed but not yet assigned; shape: that of x; told: the one that was last written; indent: of
    the lines that join branches.
    """

    def __init__(self, plan: ClassPlan, arriving: str) -> None:
        self.plan = plan
        self.done: list[str] = []
        self.x = "x"
        self.indent = 2 * code.INDENT
        self.arriving = self.shape = self.told = arriving

    def write(self) -> list[str]:
        self._run_all()
        return self._lines()

    def _run_all(self) -> None:
        if self.plan.runs_children():
            self._run_children()
            return
        for item in self.plan.node.items:
            self._run(item)
            self._keep(item)

    def _keep(self, item: ItemNode) -> None:
        """Assigns what left a step to a name of its own, where a branch goes on from there."""
        if item.number is None and item.prefix in self.plan.node.keeps:
            self._flush()
            self.done.append(f"        {self.plan.kept(item.prefix)} = x")

    def _run_children(self) -> None:
        modules = [id(item) for item in self.plan.node.items if self.plan.is_module(item)]
        for item in self.plan.node.items:
            if id(item) == modules[0]:
                self._flush()
                self.done += ["        for step in self.children():", "            x = step(x)"]
            if id(item) in modules:
                self.shape = item.node.told
            else:
                self._run(item)

    def _run(self, item: ItemNode) -> None:
        node = item.node
        if isinstance(node, FormNode):
            self._flush()
            if is_loop(item):
                self._join_each(node, item)
            else:
                self._join(node, item, self._module(item))
        elif isinstance(node, LayerNode) and self.plan.is_functional(item):
            self._apply(node)
        elif is_loop(item):
            self._run_loop(item)
        else:
            self._call_module(item)
        self.shape = node.told

    def _call_module(self, item: ItemNode) -> None:
        node = item.node
        if isinstance(node, CallNode) or getattr(node, "begins", True) or len(self.x) > LONGEST:
            self._flush()
        self.x = f"{self._module(item)}({self._given(self.x, node)})"

    def _module(self, item: ItemNode) -> str:
        """A step's module by its name."""
        if item.number is None:
            return self.plan.child(item.prefix)
        return f'self.get_submodule(f"{item.prefix}{{{self.plan.later(item.number)}}}")'

    def _given(self, x: str, node: Node | None) -> str:
        """The arguments of a module: x, and what it goes on from outside of it."""
        borrows = node.borrows if isinstance(node, CallNode) else ()
        return ", ".join([x, *map(self.plan.kept, borrows)])

    def _apply(self, node: LayerNode) -> None:
        """A layer without weights, as a function."""
        function = node.function
        assert function is not None  # noqa: S101 - `is_functional` looked
        if node.begins or len(self.x) > LONGEST:
            self._flush()
        if function.kind == "call":
            self.plan.words.add(function.name)
            args = [
                code.flat(value) if not key else f"{key}={code.flat(value)}"
                for key, value in self.plan.args(function.args)
            ]
            self.x = f"{function.name}({', '.join([self.x, *args])})"
            return
        values = {arg.name: code.flat(self.plan.express(arg.value)) for arg in function.args}
        self.x = function.name.format(x=self.x, like=self.plan.kept(node.like), **values)
        if function.args:  # an operator: what follows is a statement of its own
            self.shape = node.told
            self._flush()

    def _run_loop(self, item: ItemNode) -> None:
        self._flush()
        self.done += [
            self._numbers(item),
            f'            x = self.get_submodule(f"{item.prefix}{{number}}")({self._given("x", item.node)})',
        ]

    def _numbers(self, item: ItemNode) -> str:
        return f"        for number in range({self.plan.later(item.number)}, {self.plan.later(item.stop)}):"

    def _join_each(self, node: FormNode, item: ItemNode) -> None:
        """A form that is repeated."""
        self.done += [self._numbers(item), f'            step = self.get_submodule(f"{item.prefix}{{number}}")']
        self.indent, self.told = 3 * code.INDENT, node.told
        self._join(node, item, "step")
        self.indent = 2 * code.INDENT

    def _flush(self) -> None:
        """Assigns what has been computed."""
        if self.x != "x":
            self.done += laid_out("x = ", self.x, "", 8, self._comment())
            self.x = "x"

    def _comment(self) -> str:
        """The shape, where it is another one than last told."""
        changed = self.shape != self.told
        self.told = self.shape
        return self.shape if changed else ""

    # branches

    def _join(self, node: FormNode, item: ItemNode, path: str) -> None:
        """Args: path, its module."""
        begins = {name: self.plan.kept(kept) for name, kept in node.origins}
        runs = {
            name: begins.get(name, "x")
            if branch is None
            else f'{path}["{name}"]({self._given(begins.get(name, "x"), branch)})'
            for name, branch in node.branches
        }
        self.shape = node.told
        if node.adds is not None:
            self.done += laid_out("out = ", runs["body"], "", self.indent)
            self._assign(f"out + x if self.{self.plan.flag(item)} else out")
            return
        match node.joined:
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
                self._split(path, item, node, runs)

    def _assign(self, value: code.Code) -> None:
        self.done += laid_out("x = ", value, "", self.indent, self._comment())

    def _concat(self, path: str, runs: dict[str, str]) -> None:
        alike = all(run == f'{path}["{name}"](x)' for name, run in runs.items())
        if len(runs) > 2 and alike:
            self._assign(f"torch.cat([branch(x) for branch in {path}.values()], dim=1)")
        else:
            joined = CallText("", tuple(("", run) for run in runs.values()), "[]")
            self._assign(CallText("torch.cat", (("", joined), ("dim", "1"))))

    def _split(self, path: str, item: ItemNode, node: FormNode, runs: dict[str, str]) -> None:
        cut = f"chunk({len(runs)}" if not node.parts else f"split({self.plan.sizes(item, node)}"
        self.done += laid_out("parts = ", f"x.{cut}, dim=1)", "", self.indent)
        pieces = [
            f"parts[{place}]" if branch is None else f'{path}["{name}"]({self._given(f"parts[{place}]", branch)})'
            for place, (name, branch) in enumerate(node.branches)
        ]
        joined = CallText("", tuple(("", piece) for piece in pieces), "[]")
        self._assign(CallText("torch.cat", (("", joined), ("dim", "1"))))

    def _lines(self) -> list[str]:
        given = ", ".join(
            ["self", "x: Tensor", *(f"{self.plan.kept(name)}: Tensor" for name in self.plan.node.borrows)]
        )
        returns = self.done and self.done[-1] == "        }"
        head = f"    def forward({given}) -> {'dict[str, Tensor]' if returns else 'Tensor'}:"
        noted = f"{head}  # {self.arriving}"
        lines = [noted if len(noted) <= code.WIDTH else head]
        if returns:
            return [*lines, *self.done]
        if self.x != "x":
            return [*lines, *self.done, *laid_out("return ", self.x, "", 8, self._comment())]
        if self.done and self.done[-1].startswith("        x = "):
            last = f"        return {self.done[-1].removeprefix('        x = ')}"
            if len(last) <= code.WIDTH:
                return [*lines, *self.done[:-1], last]
        return [*lines, *self.done, "        return x"]
