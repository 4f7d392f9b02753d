"""Branch forms: how many branches each takes, what else may stand there, the parts of `split`, the names of `outputs`.

Part of `ir.resolve`: it knows one step at a time; what stands in its branches it leaves to `ir.names.steps`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from specc.diagnostics.spelling import counted
from specc.ir.model import Argument, Chain, FormStep
from specc.ir.names.bind import take_frozen
from specc.ir.names.checking import ValueChecks
from specc.ir.names.labels import Labels
from specc.ir.names.scope import Scope
from specc.ir.names.values import is_rest
from specc.source import Span
from specc.syntax import tree

_EXAMPLES = {
    "residual": "conv 64 k3 p1 -> relu", "gate": "conv 64 k3 p1 -> relu", "outputs": "cls: linear 10 | box: linear 4",
}  # fmt: skip
_ONE_BRANCH = ("residual", "gate")


class OutputsSeen(NamedTuple):
    """Where the outputs stand, and whether it was told that something follows."""

    span: Span
    told: bool = False


class Inside(Protocol):
    """What resolves the steps in branches. inside: the block whose body is being resolved."""

    checks: ValueChecks
    labels: Labels
    inside: str | None

    def report(self, code: str, message: str, span: Span, **more: Any) -> None: ...

    def holds_lost(self, span: Span) -> bool: ...

    def branches(
        self, branches: Sequence[tree.Chain], span: Span, what: str, scope: Scope, *, takes_up: bool = False
    ) -> tuple[Chain, ...]: ...

    def only_branch(
        self, branches: Sequence[tree.Chain], span: Span, what: str, scope: Scope, *, takes_up: bool = False
    ) -> Chain: ...


class Forms:
    """Resolves forms, with the help of what resolves the steps inside them.

    outputs: those of the network, where they have been passed; braceless: the last form without a body, which is
    reported.
    """

    def __init__(self, steps: Inside) -> None:
        self.steps = steps
        self.outputs: OutputsSeen | None = None
        self.braceless: Span | None = None

    def resolve(
        self, step: tree.Step, form: Any, arguments: Sequence[tree.Argument], scope: Scope, common: dict[str, Any]
    ) -> FormStep | None:
        """A form as it is meant; None where it has an error, which is reported."""
        if step.branches is None:
            from specc.syntax.unexpected import without_branches

            message, help = without_branches(form, _EXAMPLES.get(form, "a | b"))
            if not self.steps.holds_lost(step.head):
                self.steps.report("E216", message, step.head, help=help)
            self.braceless = step.span
            return None
        if form == "outputs":
            return self._outputs(step, arguments, scope, common)
        rest, frozen = take_frozen(arguments)
        parts = self._parts(step, rest, scope) if form == "split" else self.no_arguments(f"`{form}`", rest)
        if form in _ONE_BRANCH and len(step.branches) > 1:
            self.steps.report(
                "E216",
                f"`{form}` takes one branch, but `|` separates {len(step.branches)}",
                step.branches[1].span,
                help="use `add { a | b }` for a sum of branches",
            )
            return None
        branches = self.steps.branches(step.branches, step.span, f"`{form}`", scope, takes_up=form != "split")
        if parts is None:
            return None
        shortcut = self._shortcut(step, form, scope)
        return FormStep(**common, form=form, parts=parts, branches=branches, frozen=frozen, **shortcut)

    def _outputs(
        self, step: tree.Step, arguments: Sequence[tree.Argument], scope: Scope, common: dict[str, Any]
    ) -> FormStep | None:
        """`outputs { cls: a | box: b }`; each branch is headed by its name, which is no label."""
        if not self.steps.labels.is_outermost or self.steps.inside is not None:
            help = "a branch of `outputs` goes on from any step: `outputs { cls: from c5 -> … }`"
            self.steps.report(
                "E216", "`outputs` is the network's last step, and never inside braces", step.head, help=help
            )
            return None
        rest, frozen = take_frozen(arguments)
        self.no_arguments("`outputs`", rest, "`frozen`")
        self._once(common)
        branches = step.branches or ()
        chains = self.steps.branches(
            [_without_heading(branch) for branch in branches], step.span, "`outputs`", scope, takes_up=True
        )
        shortcut = self._shortcut(step, "outputs", scope)
        self.outputs = OutputsSeen(step.head)
        names = [heading for heading in map(_heading, branches) if heading is not None]
        for branch in branches:
            if branch.items and _heading(branch) is None:
                help = "such as `outputs { cls: linear 10 | box: linear 4 }`"
                self.steps.report("E216", "a branch of `outputs` begins with its name", branch.items[0].head, help=help)
        if len(names) < len(branches):
            return None
        common = common | {"repeat": None, "check": None}
        return FormStep(**common, form="outputs", branches=chains, frozen=frozen, names=tuple(names), **shortcut)

    def _once(self, common: dict[str, Any]) -> None:
        """Reports what a step may have and `outputs` may not."""
        if common["repeat"] is not None:
            self.steps.report("E215", "`outputs` is not repeated", common["repeat"].span, help="leave out the repeat")
        if common["check"] is not None:
            message = "`outputs` gives a shape for each of its names"
            self.steps.report("E216", message, common["check"].span, help="note each at the end of its branch")

    def _parts(
        self, step: tree.Step, arguments: Sequence[tree.Argument], scope: Scope
    ) -> tuple[tree.Value, ...] | None:
        """The sizes of the parts of a `split`; None where they are wrong, which is reported."""
        parts = [argument.value for argument in arguments if isinstance(argument, tree.Positional)]
        rests = [part for part in parts if is_rest(part)]
        count = len(step.branches or ())
        if len(parts) < len(arguments):
            keyed = next(argument for argument in arguments if isinstance(argument, tree.Keyword))
            self.steps.report("E202", "the parts of `split` have no key", keyed.span, help="write the numbers alone")
        elif len(rests) > 1:
            help = "say how many channels all parts but one have"
            self.steps.report("E216", "only one part of `split` can be what is left", rests[1].span, help=help)
        elif parts and len(parts) != count:
            span = parts[0].span.to(parts[-1].span)
            message = f"`split` has {counted(len(parts), 'part')} for {counted(count, 'branch')}"
            self.steps.report("E216", message, span, help="give a number for each branch; `_` is what is left")
        else:
            values = [Argument("", part, None, part.span) for part in parts if not is_rest(part)]
            return tuple(parts) if self.steps.checks.can_evaluate(values, scope) else None
        return None

    def _shortcut(self, step: tree.Step, form: str, scope: Scope) -> dict[str, Any]:
        shortcut = step.shortcut
        if shortcut is None:
            return {}
        if form != "residual":
            self.steps.report(
                "E216",
                f"`shortcut` belongs to `residual`, not to `{form}`",
                shortcut.span,
                help=f"write `residual` for `{form}`",
            )
            return {}
        found: dict[str, Any] = {"shortcut": shortcut.kind, "shortcut_span": shortcut.span}
        if shortcut.kind == "chain":
            found["shortcut_chain"] = self.steps.only_branch(
                shortcut.branches, shortcut.span, "a shortcut", scope, takes_up=True
            )
        return found

    def no_arguments(
        self, what: str, arguments: Sequence[tree.Argument], but: str = "`frozen` and a repeat"
    ) -> tuple[tree.Value, ...]:
        """No parts; reports the first argument."""
        for argument in arguments[:1]:
            message = f"{what} takes no arguments but {but}"
            self.steps.report("E205", message, argument.span, help="leave it out, or give it to a step inside")
        return ()


def _heading(branch: tree.Chain) -> tree.Word | None:
    """The name of an output."""
    return branch.items[0].label if branch.items else None


def _without_heading(branch: tree.Chain) -> tree.Chain:
    """A branch of `outputs` without its name."""
    if not branch.items:
        return branch
    return branch._replace(items=(branch.items[0]._replace(label=None), *branch.items[1:]))
