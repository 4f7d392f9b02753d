"""One step after another: which layer, block, form or parameter a word names, and whether it may stand there.

Part of `ir.resolve`: it knows chains and scopes, and nothing of statements.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any

from specc.diagnostics.diagnostic import Diagnostic, Label
from specc.diagnostics.proposal import Proposal, renamed
from specc.diagnostics.spelling import nearest
from specc.ir.model import (
    FORM_WORDS,
    Block,
    BlockStep,
    BrokenStep,
    Chain,
    Doubt,
    GroupStep,
    LayerStep,
    Origin,
    ParameterStep,
    SomeStep,
)
from specc.ir.names.bind import bind, take_frozen, take_repeat
from specc.ir.names.checking import ValueChecks
from specc.ir.names.foreign import own_layer_word
from specc.ir.names.forms import Forms
from specc.ir.names.holes import is_hole, open_step
from specc.ir.names.labels import Labels
from specc.ir.names.partial import Held, held_by
from specc.ir.names.scope import Scope
from specc.layers.fields import LARGEST
from specc.layers.registry import LAYERS, find_layer
from specc.source import Source, Span
from specc.syntax import tree
from specc.syntax.parse import Parsed

FROM = "from"


class StepResolver:
    """Resolves chains; blocks are looked up in the table that `ir.resolve` fills from top to bottom."""

    def __init__(
        self, source: Source, blocks: Mapping[str, Block], parsed: Parsed, diagnostics: list[Diagnostic]
    ) -> None:
        self.source, self.blocks, self.diagnostics = source, blocks, diagnostics
        self.lost_words = parsed.lost_words
        self.checks = ValueChecks(source, blocks, diagnostics, lambda: self.lost_words)
        self.syntax_errors = sorted(error.span.start for error in parsed.diagnostics if error.span is not None)
        self.labels = Labels(source, parsed.tree)
        self.forms = Forms(self)
        self.doubts: list[Doubt] = []
        self.unknown_words: set[str] = set()
        self.misnamed: set[str] = set()  # blocks that are called like a layer, which is reported
        self.inside: str | None = None  # the block whose body is being resolved

    def report(self, code: str, message: str, span: Span, **more: Any) -> None:
        self.diagnostics.append(Diagnostic(code, message, self.source, span, **more))

    def chain(self, chain: tree.Chain, scope: Scope) -> Chain:
        """The steps of a chain; one with an error is reported, and stands there as broken."""
        return Chain(steps=tuple(self._ended(step, scope) for step in chain.items), span=chain.span)

    def _ended(self, step: tree.Step, scope: Scope) -> SomeStep:
        """A step, whose label is seen from here on."""
        follows = self._follows_outputs(step)
        resolved = self._step(step, scope)
        if follows:
            return BrokenStep(word=resolved.word, span=step.span, head=step.head)
        if step.label is not None:
            self.labels.ended(step.label, repeated=resolved.repeat is not None)
        return resolved

    def _follows_outputs(self, step: tree.Step) -> bool:
        """Whether a step stands behind `outputs`, which is reported once."""
        if self.forms.outputs is None or not self.labels.is_outermost or self.inside is not None:
            return False
        if not self.forms.outputs.told:
            self.forms.outputs = self.forms.outputs._replace(told=True)
            message = "`outputs` is the network's last step, and this one follows it"
            others = (Label(self.forms.outputs.span, "the outputs"),)
            self.report("E216", message, step.head, others=others, help="put it before `outputs`, or into a branch")
        return True

    def _branch(self, branch: tree.Chain, scope: Scope, *, takes_up: bool) -> Chain:
        """A chain in braces; takes_up: whether it may go on from a label."""
        origin = _origin_of(branch) if takes_up else None
        begins: tuple[SomeStep, ...] = ()
        if origin is not None:
            self._no_label(branch.items[0])
            branch = branch._replace(items=branch.items[1:])
            if not self._is_seen(origin.label):
                begins, origin = (BrokenStep(word=FROM, span=origin.head, head=origin.head),), None
        with self.labels.chain():
            chain = self.chain(branch, scope)
        return chain._replace(origin=origin, steps=(*begins, *chain.steps))

    def _no_label(self, origin: tree.Step) -> None:
        if origin.label is not None:
            message = f"`{self.source.slice(origin.head)}` is no step, and has no label"
            self.report("E216", message, origin.label.span, help="label a step behind it")

    def _is_seen(self, label: tree.Word) -> bool:
        """Whether a label can be seen here; where it cannot, that is reported."""
        fault = self.labels.fault(label)
        if fault is not None and label.text not in self.lost_words:
            self.diagnostics.append(fault)
        return fault is None

    def only_branch(
        self,
        branches: Sequence[tree.Chain],
        span: Span,
        what: str,
        scope: Scope,
        inside: str | None = None,
        *,
        takes_up: bool = False,
    ) -> Chain:
        """The one chain of a body that has no branches; takes_up: whether it may begin `from` a label."""
        if len(branches) > 1:
            self.report(
                "E216",
                f"{what} holds one chain, but `|` separates {len(branches)}",
                branches[1].span,
                help="branches belong in a form: `concat { a | b }`",
            )
        outside, self.inside = self.inside, inside or self.inside
        with self.labels.block() if inside else nullcontext():
            chains = self.branches(branches, span, what, scope, takes_up=takes_up)
        self.inside = outside
        return chains[0]

    def branches(
        self, branches: Sequence[tree.Chain], span: Span, what: str, scope: Scope, *, takes_up: bool = False
    ) -> tuple[Chain, ...]:
        for number, branch in enumerate(branches, start=1):
            if not branch.items and not self.holds_lost(span):
                which = f"branch {number} of {what}" if len(branches) > 1 else what
                self.report("E216", f"{which} is empty", span, help="write `id` for a branch that changes nothing")
        return tuple(self._branch(branch, scope, takes_up=takes_up) for branch in branches)

    def holds_lost(self, span: Span) -> bool:
        """Whether a syntax error was found inside: then what is missing there was reported."""
        return bisect_left(self.syntax_errors, span.start) < bisect_left(self.syntax_errors, span.end)

    def _step(self, step: tree.Step, scope: Scope) -> SomeStep:
        arguments, repeat, misfit = take_repeat(step.arguments, scope)
        if misfit is not None:
            self.checks.misfits([misfit])
        label_meant = self._label_meant(step)
        check = self._checked_shape(step.check, label_meant)
        common: dict[str, Any] = {
            "word": step.word.text if step.word else "group", "span": step.span, "head": step.head,
            "label": step.label, "repeat": repeat,
            "check": check,
        }  # fmt: skip
        inner = self.checks.inside_repeat(repeat, scope)
        if not self.checks.can_repeat(repeat, scope):
            common["repeat"] = None
            self._resolved(step, arguments, inner, common)
            return BrokenStep(**common)
        broken = BrokenStep(**common)
        return broken if label_meant else self._resolved(step, arguments, inner, common) or broken

    def _checked_shape(self, check: tree.CheckedShape | None, label_meant: str | None) -> tree.CheckedShape | None:
        """What `::` asserts; None where it asserts nothing, or nothing that a shape can be, which is reported."""
        if check is None:
            return None
        if check.dims is None:
            help = f"a label has one colon: `{label_meant}`" if label_meant else "such as `:: 64x16x16`, or `:: 64x_x_`"
            self.report("E104", "this is not a shape", check.span, help=help)
            return None
        if any(size is not None and size > LARGEST for size in check.dims):
            message = f"a shape cannot be this large; torch counts to {LARGEST:,}"
            self.report("E402", message, check.span, help="`_` stands for any one dimension")
            return None
        return check

    def _label_meant(self, step: tree.Step) -> str | None:
        """`stem:: conv 64 k3` as it was meant; None where a shape or a layer stands there."""
        if step.check is None or step.check.dims is not None:
            return None
        if step.word is None or step.arguments or step.branches is not None:
            return None
        if step.word.text in self.blocks or find_layer(step.word.text) is not None:
            return None
        return f"{step.word.text}: {self.source.slice(step.check.span).lstrip(': ')}"

    def _resolved(
        self, step: tree.Step, arguments: Sequence[tree.Argument], scope: Scope, common: dict[str, Any]
    ) -> SomeStep | None:
        """The step by what its word names; None where it has an error, which is reported."""
        if step.word is not None and step.word.text == FROM:
            self._misplaced_origin(step.head)
            return None
        if step.word is None:
            return self._group(step, arguments, scope, common)
        if step.word.text in FORM_WORDS:
            return self.forms.resolve(step, step.word.text, arguments, scope, common)
        if step.branches is not None:
            self._body_without_form(step, step.word)
            return None
        return self._named(step.word, arguments, scope, common)

    def _misplaced_origin(self, span: Span) -> None:
        """`from` where no branch begins: told with what holds it."""
        words = self.source.slice(span)
        help = f"a form of one branch goes on from there: `add {{ {words} -> … }}`"
        self.report("E216", "`from` stands first in a branch, and not in one of `split`", span, help=help)

    def _named(
        self, word: tree.Word, arguments: Sequence[tree.Argument], scope: Scope, common: dict[str, Any]
    ) -> SomeStep | None:
        """A step that names a parameter, a block or a layer; a name in scope goes first where it holds one."""
        name = word.text
        if name in scope.open:
            self.checks.check_raw(arguments, scope)
            return ParameterStep(**common, raw=tuple(arguments))
        if name in self.misnamed:
            return None
        if is_hole(word) and not (scope.knows(name) or name in self.blocks):
            self.diagnostics.append(open_step(word.span)._replace(source=self.source))
            return None
        held = held_by(scope.values.get(name, name), scope) or held_by(name, scope)
        if held is not None:
            return self._held_step(held, arguments, scope, common)
        if name not in self.lost_words and not (name in scope.values and scope.values[name] is None):
            self._unknown_step(word, scope)
        self._lose_defined(word, arguments)  # behind it: what a word defines may bear its own name
        return None

    def _unknown_step(self, word: tree.Word, scope: Scope) -> None:
        name = word.text
        if name == self.inside:
            self.report("E211", f"the block `{name}` uses itself", word.span, help="repeat a step with `x3` instead")
        elif name in scope.values:
            self.report("E201", f"`{name}` is a value here, not a layer", word.span, help="a step begins with a layer")
        elif name in self.labels.written:
            from specc.ir.names.habits import on_label

            message = f"`{name}` is a label, and a step is a layer or a block"
            self.report("E201", message, word.span, help=on_label(name))
        else:
            self.unknown_words.add(name.lower())
            known = [*LAYERS, *FORM_WORDS, *self.blocks, *scope.open]
            help, proposals = _step_meant(name, known)
            self.report("E201", f"there is no layer or block `{name}`", word.span, help=help, proposals=proposals)

    def _held_step(
        self, held: Held, arguments: Sequence[tree.Argument], scope: Scope, common: dict[str, Any]
    ) -> LayerStep | BlockStep | None:
        """A step of a layer or a block, which may have some of its arguments already."""
        rest, frozen, signature = arguments, held.frozen, held.signature
        if isinstance(held.target, Block):
            rest, is_frozen = take_frozen(arguments, signature.keys)
            frozen = frozen or is_frozen
        bound = bind(rest, signature, scope, common["head"], held.given(common["head"]))
        if bound.misfits:
            self.checks.misfits(bound.misfits)
        self.doubts += bound.doubts
        if isinstance(held.target, Block):
            fits = self.checks.can_evaluate(bound.arguments, scope) and not bound.misfits
            return BlockStep(**common, block=held.target, arguments=bound.arguments, frozen=frozen) if fits else None
        fits = self.checks.check_values(held.target, bound.arguments, scope) and not bound.misfits
        if signature.labels:
            labels = [argument for argument in bound.arguments if argument.name in signature.labels]
            fits = all(self._is_seen(tree.Word(argument.constant, argument.span)) for argument in labels) and fits
        return LayerStep(**common, layer=held.target, arguments=bound.arguments) if fits else None

    def _group(
        self, step: tree.Step, arguments: Sequence[tree.Argument], scope: Scope, common: dict[str, Any]
    ) -> GroupStep | None:
        if self._is_body_of_braceless(step):
            self.branches(step.branches or (), step.span, "this form", scope)
            return None
        rest, frozen = take_frozen(arguments)
        self.forms.no_arguments("a group", rest)
        body = self.only_branch(step.branches or (), step.span, "a group", scope)
        return GroupStep(**common, body=body, frozen=frozen)

    def _is_body_of_braceless(self, step: tree.Step) -> bool:
        """Whether a group is the body that a form before it lacks: its `{` stands a line too low, which is reported."""
        form = self.forms.braceless
        if form is None:
            return False
        between = self.source.slice(Span(form.end, step.span.start)).split("\n")
        return not any(line.partition("#")[0].strip() for line in between)

    def _body_without_form(self, step: tree.Step, word: tree.Word) -> None:
        if is_hole(word) and word.text not in self.blocks:
            self.diagnostics.append(open_step(word.span, branches=True)._replace(source=self.source))
            return
        known = find_layer(word.text) is not None or word.text in self.blocks
        self._lose_defined(word, step.arguments)
        guess = own_layer_word(word.text) or nearest(word.text, (*FORM_WORDS, "block", "train"))
        if known:
            self.report(
                "E216",
                f"`{word.text}` has no branches, so no `{{` may follow it",
                word.span,
                help="begin a new line before `{` for a group",
            )
        elif word.text not in self.lost_words:
            from specc.ir.names.habits import advice_on

            help = advice_on(word.text) or f"the forms are {', '.join(f'`{form}`' for form in FORM_WORDS)}"
            help, proposals = renamed(guess, help)
            self.report("E201", f"there is no form `{word.text}`", word.span, help=help, proposals=proposals)

    def _lose_defined(self, word: tree.Word, arguments: Sequence[tree.Argument]) -> None:
        """`def name(c) { … }`, `parm name = 3`: what another language's or mistyped words define is not unknown."""
        from specc.ir.names.habits import DEFINING_WORDS, statement_meant

        if word.text in DEFINING_WORDS or statement_meant(word.text) in ("param", "block"):
            calls = [argument.value for argument in arguments if isinstance(argument.value, tree.Call)]
            keys = [argument.key for argument in arguments if isinstance(argument, tree.Keyword)]
            self.lost_words |= {*(call.function.text for call in calls), *(key.text for key in keys)}


def _origin_of(branch: tree.Chain) -> Origin | None:
    """What a branch begins with in place of what arrives, where it says so."""
    first = branch.items[0] if branch.items else None
    if first is None or first.word is None or first.word.text != FROM:
        return None
    label = first.arguments[0].value
    assert isinstance(label, tree.Word)  # noqa: S101 - the grammar has no other
    return Origin(label, first.check, first.head)


def _step_meant(name: str, known: list[str]) -> tuple[str, tuple[Proposal, ...]]:
    """What to do about a word that names no step."""
    from specc.ir.names.habits import STATEMENTS, advice_on, step_meant

    own = own_layer_word(name)
    if own is not None:
        return renamed(own, "", "called")
    known, advice = [*known, *STATEMENTS], advice_on(name)
    guess = name.lower() if name.lower() in known else None if advice else step_meant(name, known)
    return renamed(guess, advice or "`specc layers` lists every layer")
