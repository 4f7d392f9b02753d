"""The constructor of a class: a module for each step that needs one, then what is done to its weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from specc.emit.python import code
from specc.emit.python.code import CallText, Code, Either, laid_out
from specc.emit.python.layers import layer_node
from specc.emit.python.nodes import (
    CallNode,
    ChainNode,
    FormNode,
    ItemNode,
    LayerNode,
    MadeNode,
    Node,
    SettingNode,
)
from specc.emit.python.plan import ClassPlan, attribute, is_loop
from specc.layers.scaling import Identity


class Constructor:
    """The lines of a constructor while they are written."""

    def __init__(self, plan: ClassPlan) -> None:
        self.plan = plan
        self.made: list[str] = []

    def write(self) -> list[str]:
        for item in self.plan.node.items:
            if is_loop(item):
                self._make_loop(item)
            elif not self.plan.is_functional(item):
                self._make_one(item)
            if isinstance(item.node, FormNode):
                self._note_form(item, item.node)
        return self.made

    def _make_one(self, item: ItemNode) -> None:
        if item.number is not None:
            self._make_numbered(item, f"{{{code.flat(self.plan.express(item.number))}}}", 2)
            return
        module = self._module(item.node)
        if not code.can_be_written(item.prefix):
            call = CallText("self.add_module", (("", f'"{item.prefix}"'), ("", module)))
            self.made += laid_out("", call)
        else:
            self.made += laid_out(f"self.{item.prefix} = ", module)
        self.made += self._settings(item.node, self.plan.child(item.prefix), 2)

    def _note_form(self, item: ItemNode, node: FormNode) -> None:
        """What the forward pass has to know of a form."""
        if node.adds is not None:
            self.made += laid_out(f"self.{self.plan.flag(item)} = ", self.plan.express(node.adds))
        sizes = self.plan.sizes(item, node)
        if sizes.startswith("self."):
            parts = tuple(("", self.plan.express(part)) for part in node.parts)
            self.made += laid_out(f"{sizes} = ", CallText("", parts, "[]"))

    def _make_loop(self, item: ItemNode) -> None:
        carried = item.carried
        start, stop = (code.flat(self.plan.express(number)) for number in (item.number, item.stop))
        if carried is not None:
            begins = code.flat(self.plan.express(carried.begins))
            if begins != carried.variable:
                self.made.append(f"        {carried.variable} = {begins}")
        self.made.append(f"        for number in range({start}, {stop}):")
        self._make_numbered(item, "{number}", 3)
        if carried is not None:
            self.made.append(f"            {carried.variable} = {code.flat(self.plan.express(carried.becomes))}")

    def _make_numbered(self, item: ItemNode, number: str, depth: int) -> None:
        """A module whose name has to be put together."""
        module, name = self._module(item.node), f'f"{item.prefix}{number}"'
        settings = self._settings(item.node, "step", depth)
        variable = _variable(item.node) or "step" * bool(settings)
        if variable:
            self.made += [*laid_out(f"{variable} = ", module, "", 4 * depth), *settings]
            module = variable
        self.made += laid_out("", CallText("self.add_module", (("", name), ("", module))), "", 4 * depth)

    # modules

    def _part(self, node: Node) -> Code:
        """A module inside an expression."""
        made = self._module(node)
        return f"({_variable(node)} := {code.flat(made)})" if _variable(node) else made

    def _module(self, node: Node) -> Code:
        match node:
            case LayerNode():
                return self.plan.layer(node)
            case CallNode():
                return self.plan.call(node)
            case MadeNode():
                args = tuple((name, self.plan.express(value)) for name, value in node.args)
                return CallText(code.flat(self.plan.express(node.factory)), args)
            case ChainNode():
                self.plan.words.add("chain")
                return CallText("chain", tuple(self._steps(node)))
            case FormNode():
                self.plan.words.add("branches")
                return CallText("branches", tuple(self._branches(node)))

    def _steps(self, chain: ChainNode) -> Iterator[tuple[str, Code]]:
        for item in chain.items:
            yield item.prefix, self._part(item.node)

    def _branches(self, form: FormNode) -> Iterator[tuple[str, Code]]:
        for name, branch in form.branches:
            if branch is not None:
                module = self._part(branch)
                if name == "shortcut" and form.present is not None:
                    same = self.plan.layer(layer_node(Identity(), {}, (1,), ""))
                    module = Either(module, code.flat(self.plan.express(form.present)), same)
                yield name, module

    # weights

    def _settings(self, node: Node, path: str, depth: int) -> list[str]:
        """Statements that follow the making of a module, for its weights and those inside it."""
        match node:
            case LayerNode():
                return [line for setting in node.settings for line in self._setting(setting, path, depth)]
            case CallNode() | MadeNode():
                lines: list[str] = []
            case ChainNode():
                lines = [
                    line
                    for item in node.items
                    for line in self._settings(item.node, attribute(path, item.prefix), depth)
                ]
            case FormNode():
                lines = [
                    line
                    for name, branch in node.branches
                    if branch is not None
                    for line in self._settings(branch, f'{path}["{name}"]', depth)
                ]
        is_frozen = not isinstance(node, MadeNode) and node.frozen
        return [*lines, f"{'    ' * depth}{path}.requires_grad_(False)"] if is_frozen else lines

    def _setting(self, setting: SettingNode, path: str, depth: int) -> list[str]:
        tensor = f"{path}.{setting.tensor}" if setting.tensor else path
        match setting.kind:
            case "fill":
                args = tuple((name, self.plan.express(value)) for name, value in setting.args)
                return laid_out("", CallText(f"nn.init.{setting.name}_", (("", tensor), *args)), "", 4 * depth)
            case "first":
                part = f"{tensor}[: {tensor}.size(1)]"
                return laid_out("", CallText(f"nn.init.{setting.name}_", (("", part),)), "", 4 * depth)
            case "freeze":
                return [f"{'    ' * depth}{tensor}.requires_grad_(False)"]
            case "values":
                values = CallText("torch.tensor", (("", code.literal(_as_list(setting.values))),))
                return laid_out(f"{tensor} = ", CallText("nn.Parameter", (("", values),)), "", 4 * depth)


def _variable(node: Node) -> str:
    return node.variable if isinstance(node, CallNode | MadeNode) else ""


def _as_list(values: Any) -> Any:
    return [_as_list(value) for value in values] if isinstance(values, tuple) else values
