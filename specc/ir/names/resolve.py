"""Syntax tree in, model out: words get their meaning, arguments their fields.

In:         what `syntax.parse` read, values that override `param`s, a shape that overrides `input`.
Out:        a `Model` and every error in names and arguments; an item with an error is left out.
Guarantees: a block only uses what stands above it, so no block can call itself; no error is told twice.
Leaves:     shapes, and values that depend on a block's parameters or on `in`, to `ir.infer`.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from specc.diagnostics.diagnostic import Diagnostic, Label, Problem
from specc.diagnostics.proposal import renamed
from specc.ir.model import FORM_WORDS, Block, BlockParameter, Budget, Chain, Model
from specc.ir.names.overrides import Overrides
from specc.ir.names.scope import NotYet, Scope, as_torch, shown
from specc.ir.names.steps import StepResolver
from specc.ir.names.values import evaluate, mentions
from specc.layers.fields import LARGEST, Called
from specc.layers.registry import LAYERS, find_layer
from specc.source import Source, Span
from specc.syntax import tree
from specc.syntax.parse import Parsed

if TYPE_CHECKING:
    from specc.recipe.recipe import PlainSetting, Recipe

QUANTITIES = ("params", "macs", "memory")
MAX_RANK = 3
FROM_DATA = "classes"  # the `param` that may be `auto`


def resolve(
    source: Source, parsed: Parsed, overrides: Overrides, input_shape: tuple[int, ...] | None
) -> tuple[Model, tuple[Diagnostic, ...]]:
    """The model of a parsed spec, and what is wrong with its names and arguments."""
    return _Resolver(source, parsed, overrides, input_shape).run()


def is_auto(value: tree.Value) -> bool:
    """Whether a `param` leaves its value to the data set."""
    return isinstance(value, tree.Word) and value.text == "auto"


class _Resolver:
    """The state of one resolution: the names defined so far, and what has gone wrong."""

    def __init__(
        self, source: Source, parsed: Parsed, overrides: Overrides, input_shape: tuple[int, ...] | None
    ) -> None:
        self.source, self.parsed, self.overrides = source, parsed, overrides
        self.input, self.input_span = input_shape, None if input_shape is None else Span(0, 0)
        self.overridden = input_shape is not None
        self.diagnostics: list[Diagnostic] = []
        self.values: dict[str, Any] = {}
        self.written: dict[str, tree.Value] = {}
        self.blocks: dict[str, Block] = {}
        self.defined: dict[str, Span] = {}
        self.budgets: list[Budget] = []
        self.trained: Recipe | None = None
        self.left_open: set[str] = set()
        self.steps = StepResolver(source, self.blocks, parsed, self.diagnostics)

    def run(self) -> tuple[Model, tuple[Diagnostic, ...]]:
        chains = []
        for item in self.parsed.tree.items:
            match item:
                case tree.Chain():
                    chains.append(self.steps.chain(item, self.scope()))
                case tree.Param():
                    self._param(item)
                case tree.Block():
                    self._block(item)
                case tree.Input():
                    self._input(item)
                case tree.Budget():
                    self._budget(item)
                case tree.Train():
                    self._train(item)
        self._require_input()
        network = Chain(
            steps=tuple(step for chain in chains for step in chain.steps), span=Span(0, len(self.source.text))
        )
        self._check_heads(network)
        model = Model(
            source=self.source,
            input=self.input,
            input_span=self.input_span,
            parameters=self.values,
            blocks=self.blocks,
            budgets=tuple(self.budgets),
            trained=self.trained,
            doubts=tuple(self.steps.doubts),
            left_open=frozenset(self.left_open),
            written=self.written,
            chain=network,
        )
        return model, tuple(self.diagnostics)

    def scope(self) -> Scope:
        """The names defined so far. The mapping is copied: a block sees what stands above it and no more."""
        return Scope(dict(self.values), self.blocks)

    def _report(self, code: str, message: str, span: Span | None, **more: Any) -> None:
        self.diagnostics.append(Diagnostic(code, message, self.source, span, **more))

    def _tell(self, problem: Problem) -> None:
        self.diagnostics.append(problem.diagnostic._replace(source=self.source))

    def _evaluate(self, value: tree.Value, what: str) -> Any:
        """The value of a top-level expression; None where it has none, which is reported."""
        try:
            return evaluate(value, self.scope()._replace(strings=what == "`train`"))
        except Problem as problem:
            self._tell(problem)
        except NotYet:
            if mentions(value, "in"):
                message = f"`in` has no value in {what}: it belongs to a step"
                self._report("E210", message, value.span, help="write the number that is meant")
        return None

    def _define(self, name: tree.Word) -> bool:
        """Whether a name is still free; where it is not, that is reported."""
        earlier = self.defined.get(name.text)
        if earlier is not None:
            others = (Label(earlier, "first defined here"),)
            self._report("E208", f"`{name.text}` is defined twice", name.span, others=others, help="rename one of them")
            return False
        self.defined[name.text] = name.span
        return True

    def _param(self, param: tree.Param) -> None:
        if not self._define(param.name):
            return
        name = param.name.text
        if is_auto(param.value):
            self._auto(param)
            return
        value = self._evaluate(param.value, "a `param`")
        if isinstance(value, str) and not self._is_known_word(value):
            self._report(
                "E207",
                f"`{value}` is not a name in scope",
                param.value.span,
                help="a `param` is defined above the place where it is used",
            )
            value = None
        self.values[name] = self.overrides[name](self.scope()) if name in self.overrides else value
        if name not in self.overrides:
            self.written[name] = param.value

    def _auto(self, param: tree.Param) -> None:
        """`param classes = auto`: what is not given from outside, the data set says."""
        name = param.name.text
        self.values[name] = self.overrides[name](self.scope()) if name in self.overrides else None
        if name != FROM_DATA:
            message = f"only `{FROM_DATA}` can be `auto`, and not `{name}`"
            self._report("E218", message, param.value.span, help=f"write a number, or call it `{FROM_DATA}`")
        elif name not in self.overrides:
            self.left_open.add(FROM_DATA)
            message = f"`{FROM_DATA}` is `auto`, and no data set says how many there are"
            help = f"`--data mnist` takes the number from a data set\n`--set {FROM_DATA}=10` says it"
            self._report("E218", message, param.value.span, help=help)

    def _is_known_word(self, word: str) -> bool:
        from specc.ir.names.signature import option_words

        return word in self.blocks or word in option_words() or find_layer(word) is not None

    def _block(self, block: tree.Block) -> None:
        name = block.name.text
        if name in LAYERS or name in FORM_WORDS:  # what a package offers gives way: it may be installed any day
            self._report(
                "E211",
                f"a block may not be called `{name}`: that is a layer's name",
                block.name.span,
                help=f"call it `{name}_block`",
            )
            self.steps.misnamed.add(name)
            return
        if not self._define(block.name):
            return
        parameters = self._block_parameters(block)
        scope = self.scope()._replace(open=frozenset(parameter.name for parameter in parameters))
        body = self.steps.only_branch(block.branches, block.span, f"the block `{name}`", scope, inside=name)
        self.blocks[name] = Block(name=name, parameters=parameters, body=body, span=block.head)

    def _block_parameters(self, block: tree.Block) -> tuple[BlockParameter, ...]:
        found: dict[str, BlockParameter] = {}
        for parameter in block.parameters:
            name = parameter.name.text
            if name in found:
                self._report("E208", f"`{name}` is a parameter twice", parameter.name.span, help="rename one of them")
                name = f"{name} again"  # no text can name it, and a call that gives both values is right
            seen = self.scope()._replace(open=frozenset(found), repeated=True)  # `nth` is the call's
            if parameter.default is not None:
                self._check_default(parameter.default, seen)
            found[name] = BlockParameter(name, parameter.default, parameter.span)
        return tuple(found.values())

    def _check_default(self, default: tree.Value, scope: Scope) -> None:
        try:
            value = evaluate(default, scope)
        except Problem as problem:
            self._tell(problem)
        except NotYet:
            pass
        else:
            if isinstance(value, str) and not self._is_known_word(value):
                self._report(
                    "E207",
                    f"`{value}` is not a name in scope",
                    default.span,
                    help="a default is a number, a size, a word such as `relu`, or an earlier name",
                )
                self.values.setdefault(value, None)  # told once: what uses it is silent

    def _input(self, item: tree.Input) -> None:
        if self.input_span is not None and not self.overridden:
            others = (Label(self.input_span, "the first one"),)
            self._report("E208", "a spec has exactly one `input`", item.span, others=others, help="remove one of them")
            return
        shape = self._input_shape(item.value)
        if not self.overridden:
            self.input = shape
        self.input_span, self.overridden = item.span, False

    def _input_shape(self, value: tree.Value) -> tuple[int, ...] | None:
        found = self._evaluate(value, "`input`")
        shape = (found,) if isinstance(found, int) and not isinstance(found, bool) else found
        if shape is None:
            return None
        if isinstance(shape, Called) or not (shape and isinstance(shape, tuple) and all(map(_is_dimension, shape))):
            self._report(
                "E210",
                f"`input` takes a shape of whole numbers of at least 1, not {shown(found)}",
                value.span,
                help="write channels first: `input 3x32x32` for an image, `input 784` for a vector",
            )
            return None
        if len(shape) > MAX_RANK + 1:
            self._report(
                "E210",
                f"`input` has {len(shape)} dimensions; a volume, the largest, has {MAX_RANK + 1}",
                value.span,
                help="leave out the batch dimension",
            )
            return None
        return shape

    def _require_input(self) -> None:
        lost = "input" in self.parsed.lost_words or self.parsed.diagnostics
        if self.input_span is not None or lost:
            return
        if self._calls_input_otherwise():
            return
        if not self.parsed.tree.items:
            self._report("E105", "this spec is empty", None, help="begin with `input 1x28x28`, then a chain of layers")
            return
        self.left_open.add("input")
        self._report(
            "E214",
            "this spec does not say what arrives: it has no `input`",
            None,
            help="add a line such as `input 3x32x32`, or give `--input 3x32x32`",
            notes=("with `--data mnist` it takes the shape of that data set's samples",),
        )

    def _calls_input_otherwise(self) -> bool:
        """Whether the shape stands there under another framework's word, which is reported."""
        if not self.steps.unknown_words:
            return False
        from specc.ir.names.habits import means_input

        return any(map(means_input, self.steps.unknown_words))

    def _budget(self, budget: tree.Budget) -> None:
        quantity = budget.quantity
        if quantity.text not in QUANTITIES:
            from specc.diagnostics.spelling import nearest

            help, proposals = renamed(
                nearest(quantity.text, QUANTITIES), "a budget bounds `params`, `macs` or `memory`"
            )
            message = f"there is no budget for `{quantity.text}`"
            self._report("E217", message, quantity.span, help=help, proposals=proposals)
            return
        bound = self._evaluate(budget.bound, "a budget")
        if bound is None:
            return
        if isinstance(bound, bool) or not isinstance(bound, int | Fraction) or bound < 0:
            self._report(
                "E217",
                f"a budget is a number, 0 or more, not {shown(bound)}",
                budget.bound.span,
                help="such as `budget params <= 1M`",
            )
            return
        self.budgets.append(Budget(quantity.text, bound, budget.span))

    def _train(self, train: tree.Train) -> None:
        if "train" in self.defined:
            others = (Label(self.defined["train"], "the first one"),)
            self._report(
                "E208", "a spec has at most one `train`", Span(train.span.start, train.span.start + 5), others=others,
                help="put all settings into one",
            )  # fmt: skip
            return
        self.defined["train"] = Span(train.span.start, train.span.start + 5)
        from specc.recipe.reading import read_recipe

        settings = [plain for plain in map(self._plain_setting, train.settings) if plain is not None]
        self.trained, problems = read_recipe(settings, self.source)
        self.diagnostics += problems

    def _check_heads(self, network: Chain) -> None:
        """The outputs that the recipe names are the network's; of a text that could not be read nobody knows."""
        if self.trained is None or self.trained.heads is None or self.parsed.diagnostics:
            return
        from specc.ir.names.heads import wrong_heads

        train = next(item for item in self.parsed.tree.items if isinstance(item, tree.Train))
        wrong = wrong_heads(self.trained.heads, train, network, self.source)
        if wrong is not None:
            self.diagnostics.append(wrong)

    def _plain_setting(self, setting: tree.Setting) -> PlainSetting | None:
        from specc.recipe.recipe import PlainSetting, PlainValue

        positional, options = [], []
        for argument in setting.arguments:
            value = self._evaluate(argument.value, "`train`")
            if value is None:
                return None
            plain = PlainValue(as_torch(value), argument.value.span)
            if isinstance(argument, tree.Keyword):
                options.append((argument.key.text, argument.key.span, plain))
            else:
                positional.append(plain)
        return PlainSetting(setting.name.text, setting.name.span, tuple(positional), tuple(options), setting.span)


def _is_dimension(size: Any) -> bool:
    return isinstance(size, int) and not isinstance(size, bool) and 1 <= size <= LARGEST
