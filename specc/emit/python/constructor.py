"""The constructor of a class: a module for each step that needs one, then what is done to its weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from specc.emit.python import code
from specc.emit.python.code import CallText, Either, laid_out
from specc.emit.python.nodes import CallNode, ChainNode, FormNode, ItemNode, LayerNode, Node, SettingNode, UseColumn
from specc.emit.python.plan import ONE_BY_ONE, ClassPlan, attribute, count_of
from specc.emit.python.progressions import Progression


class Constructor:
    """The lines of a constructor while they are written."""

    def __init__(self, plan: ClassPlan) -> None:
        self.plan = plan
        self.made: list[str] = []

    def write(self) -> list[str]:
        for item in self.plan.items:
            self._make(item)
        return self.made

    def _make(self, item: ItemNode | Progression) -> None:
        if isinstance(item, Progression):
            self._make_loop(item.prefix, f"range({item.start}, {item.stop})", self._progressing(item), item.node)
        elif not self.plan.is_functional(item):
            self._make_item(item)

    def _make_item(self, item: ItemNode) -> None:
        count = count_of(item)
        if count is not None and count <= ONE_BY_ONE:
            for offset in range(count):
                self._make_one(item._replace(number=item.number + offset) if item.number is not None else item)
            return
        assert item.number is not None  # noqa: S101 - only numbered steps are repeated
        stop = self.plan.symbols.express(item.stop, "stop") or str(item.stop.known[0])
        self._make_loop(item.prefix, f"range({item.number}, {stop})", self._module(item.node), item.node)

    def _make_one(self, item: ItemNode) -> None:
        module = self._optional(self._module(item.node), item.present)
        target = f"self.{item.name}"
        if not code.can_be_written(item.name):
            call = CallText("self.add_module", (("", f'"{item.name}"'), ("", module)))
            self.made += laid_out("", call)
        else:
            self.made += laid_out(f"{target} = ", module)
        if item.present is None:
            self.made += self._settings(item.node, self.plan.child(item.name), 2)
        else:
            settings = self._settings(item.node, self.plan.child(item.name), 3)
            if settings:
                self.made += [f"        if {self.plan.symbols.condition(item.present, 'present')}:", *settings]
        if isinstance(item.node, FormNode) and not item.node.joined.is_constant:
            adds = UseColumn(
                tuple(value == "add" if isinstance(value, str) else value for value in item.node.joined.values)
            )
            self.made.append(f"        self.{self.plan.flag(item)} = {self.plan.symbols.condition(adds, 'joined')}")

    def _make_loop(self, prefix: str, numbers: str, module: code.Code, node: Node) -> None:
        if self._loop_needs_range(numbers):
            self.made.append(f"        self.{self.plan.numbers(prefix)} = {numbers}")
            numbers = f"self.{self.plan.numbers(prefix)}"
        self.made.append(f"        for number in {numbers}:")
        settings = self._settings(node, "step", 3)
        name = f'f"{prefix}{{number}}"'
        if settings:
            self.made += [*laid_out("step = ", module, "", 12), *settings]
            module = "step"
        self.made += laid_out("", CallText("self.add_module", (("", name), ("", module))), "", 12)

    def _loop_needs_range(self, numbers: str) -> bool:
        """Whether the forward pass needs to know a range that depends on a parameter."""
        return (
            any(char.isalpha() for char in numbers.removeprefix("range"))
            and not self.plan.is_plain()
            and not self.plan.runs_children()
        )

    def _optional(self, module: code.Code, present: UseColumn | None) -> code.Code:
        if present is None:
            return module
        return Either(module, self.plan.symbols.condition(present, "present"), "nn.Identity()")

    # modules

    def _module(self, node: Node) -> code.Code:
        match node:
            case LayerNode():
                self.plan.words.add(node.module.name)
                return CallText(node.module.name, tuple(self.plan.args(node.module.args)))
            case CallNode():
                return self._call(node)
            case ChainNode():
                self.plan.words.add("chain")
                return CallText("chain", tuple(self._steps(node)))
            case FormNode():
                self.plan.words.add("branches")
                return CallText("branches", tuple(self._branches(node)))

    def _call(self, node: CallNode) -> CallText:
        target = self.plan.classes[node.key]
        args = []
        for name, column in node.args:
            text = self.plan.symbols.express(column, "channels" if target.parameters[name] else name)
            value = column.known[0]
            if text is None and name in target.defaults and value == target.defaults[name]:
                continue
            args.append(("" if target.parameters[name] else name, text or code.literal(value)))
        return CallText(target.name, tuple(args))

    def _steps(self, chain: ChainNode) -> Iterator[tuple[str, code.Code]]:
        for item in chain.items:
            module = self._optional(self._module(item.node), item.present)
            for offset in range(count_of(item) or 0):
                name = item.name if item.number is None else f"{item.prefix}{item.number + offset}"
                yield name, module

    def _branches(self, form: FormNode) -> Iterator[tuple[str, code.Code]]:
        for name, branch in form.branches:
            if branch is not None:
                module = self._module(branch)
                if name == "shortcut" and form.present is not None:
                    rule = self.plan.symbols.projection(form.present, _projection(branch))
                    module = Either(module, rule, "nn.Identity()") if rule else self._optional(module, form.present)
                yield name, module

    def _progressing(self, item: Progression) -> CallText:
        target = self.plan.classes[item.node.key]
        args = []
        for name, column in item.node.args:
            value, step = column.known[0], item.steps[name]
            if not step and name in target.defaults and value == target.defaults[name]:
                continue
            text = _affine(value - step * item.start, step) if step else code.literal(value)
            args.append(("" if target.parameters[name] else name, text))
        return CallText(target.name, tuple(args))

    # weights

    def _settings(self, node: Node, path: str, depth: int) -> list[str]:
        """Statements that follow the making of a module, for its weights and those inside it."""
        match node:
            case LayerNode():
                return [line for setting in node.settings for line in _setting(setting, path, depth)]
            case CallNode():
                lines: list[str] = []
            case ChainNode():
                lines = [line for item in node.items for line in self._inner(item, path, depth)]
            case FormNode():
                lines = [
                    line
                    for name, branch in node.branches
                    if branch is not None
                    for line in self._settings(branch, f'{path}["{name}"]', depth)
                ]
        return [*lines, f"{'    ' * depth}{path}.requires_grad_(False)"] if node.frozen else lines

    def _inner(self, item: ItemNode, path: str, depth: int) -> Iterator[str]:
        for offset in range(count_of(item) or 0):
            name = item.name if item.number is None else f"{item.prefix}{item.number + offset}"
            yield from self._settings(item.node, attribute(path, name), depth)


def _projection(shortcut: Node) -> dict[str, UseColumn]:
    """The arguments of the convolution that a shortcut begins with, by torch's names; none where it is another step."""
    first = shortcut.items[0].node if isinstance(shortcut, ChainNode) and shortcut.items else None
    return {arg.name: arg.value for arg in first.module.args} if isinstance(first, LayerNode) else {}


def _affine(base: int, step: int) -> str:
    """`64 + 32 * number`"""
    product = "number" if step == 1 else f"{step} * number"
    if base == 0:
        return product
    return f"{base} + {product}" if base > 0 else f"{product} - {-base}"


def _setting(setting: SettingNode, path: str, depth: int) -> list[str]:
    tensor = f"{path}.{setting.tensor}" if setting.tensor else path
    match setting.kind:
        case "fill":
            args = tuple((name, code.literal(value)) for name, value in setting.args)
            return laid_out("", CallText(f"nn.init.{setting.name}_", (("", tensor), *args)), "", 4 * depth)
        case "freeze":
            return [f"{'    ' * depth}{tensor}.requires_grad_(False)"]
        case "values":
            values = CallText("torch.tensor", (("", code.literal(_as_list(setting.values))),))
            return laid_out(f"{tensor} = ", CallText("nn.Parameter", (("", values),)), "", 4 * depth)


def _as_list(values: Any) -> Any:
    return [_as_list(value) for value in values] if isinstance(values, tuple) else values
