"""The checker against torch: generated specs have one verdict, one shape for every row, one count of everything.

`generate` draws the specs and runs them in torch without a shape rule of ours; `benchmarks/agreement.py` is the long
run of the same property.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from typing import Any, NamedTuple

import pytest
import torch
from generate.agreement import Verdict, compare, difference_to_rows
from generate.plan import Argument, Rows, Spec, Step
from generate.reference import TORCH_REFUSES, Row, run, run_module
from generate.reference_layers import Refusal, module_for
from generate.specs import ABOUT, specs
from generate.words import ANY_SHAPE, FORMS, LAYERS
from hypothesis import HealthCheck, Phase, given, settings
from torch import nn

import specc
from specc.build import modules
from specc.fixes.search import SearchTime, advise
from specc.ir.shapes import forms
from specc.ir.shapes.naming import ModuleNames
from specc.layers import conv, linear, norm, padding, pool
from specc.layers.base import ShapeError
from specc.layers.registry import LAYERS as KNOWN_LAYERS
from specc.layers.weighted import Weighted

EXAMPLES_ABOUT_A_WORD = 10
EXAMPLES_WITH_A_PART = 2000  # at most, where the sample has none that is right
EXAMPLES_FOR_A_MUTATION = 500
SEARCHING = 0.003  # seconds of processor time


@pytest.fixture(autouse=True)
def _quiet_torch() -> Iterator[None]:
    """A warning of torch's is no error; one thread is the fastest for pictures of 6×6."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module", autouse=True)
def _short_search() -> Iterator[None]:
    """Suggestions have no say in a verdict: their search begins, and is soon at the end of its time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "specc.fixes.search.advise", lambda analysis, asked: advise(analysis, asked, SearchTime(SEARCHING))
        )
        yield


def fixed(examples: int, *phases: Phase) -> settings:
    """The same examples in every run."""
    return settings(
        max_examples=examples, derandomize=True, database=None, deadline=None, print_blob=False,
        phases=phases or [Phase.generate, Phase.shrink], suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )  # fmt: skip


@fixed(200)
@given(specs())
def test_specc_and_torch_agree(spec: Spec) -> None:
    disagreement = compare(spec).disagreement
    assert disagreement is None, f"{disagreement}\n\n{spec.text}"


@pytest.fixture(scope="module")
def sample() -> dict[str, Verdict]:
    """Specs about every word, by their texts."""
    found: dict[str, Verdict] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for word in ABOUT:
            _collect(word, found)
    return found


def _collect(word: str, found: dict[str, Verdict]) -> None:
    # What takes any shape can be wrong in a value only: there is less to find.
    @fixed(EXAMPLES_ABOUT_A_WORD - 3 * (word in ANY_SHAPE), Phase.generate)
    @given(specs(about=word))
    def note(spec: Spec) -> None:
        found[spec.text] = compare(spec)

    note()


def test_they_agree_on_specs_about_every_word(sample: dict[str, Verdict]) -> None:
    wrong = {text: verdict.disagreement for text, verdict in sample.items() if verdict.disagreement}
    assert not wrong, "\n".join(f"{disagreement}\n{text}" for text, disagreement in wrong.items())


def test_a_third_of_the_specs_is_wrong_in_a_shape(sample: dict[str, Verdict]) -> None:
    wrong = [verdict for verdict in sample.values() if any(code.startswith("E3") for code in verdict.codes)]
    assert len(sample) > 300
    assert 3 * len(wrong) >= len(sample)


def test_every_word_is_accepted_and_refused(sample: dict[str, Verdict]) -> None:
    results = [verdict.result for verdict in sample.values()]
    accepted = {word for verdict in sample.values() for word in _accepted(verdict)}
    refused = {result.refused_at for result in results}
    assert any("group1." in row.name for result in results for row in result.rows)
    words = {*LAYERS, *FORMS}
    assert [word for word in words - accepted if not _appears(word, partial(_accepts, word))] == []
    words.add("::")
    assert [word for word in words - refused if not _appears(word, partial(_refuses, word))] == []


def _accepted(verdict: Verdict) -> set[str]:
    """The words of the rows of a right spec."""
    return {row.kind for row in verdict.result.rows} if verdict.result.refused_at is None else set()


def _accepts(word: str, verdict: Verdict) -> bool:
    return word in _accepted(verdict)


def _refuses(word: str, verdict: Verdict) -> bool:
    return verdict.result.refused_at == word


def _appears(word: str, wanted: Callable[[Verdict], bool]) -> bool:
    """Whether a spec about a word has a verdict that is too rare for the sample."""
    found: list[str] = []

    @fixed(EXAMPLES_WITH_A_PART, Phase.generate)
    @given(specs(about=word))
    def look(spec: Spec) -> None:
        if not found and wanted(compare(spec)):
            found.append(spec.text)

    look()
    return bool(found)


PARTS = [
    "param ", "block ", " x2", " x0", "(in", "max(in", "weight=[", "bias=[", "gamma=", "init=", "frozen", " :: ", "_x",
    "shortcut auto", "shortcut same", "shortcut {", "same", "reflect", "nobias", "stage: ", "act=", "nth", "**",
]  # fmt: skip


@pytest.mark.parametrize("part", PARTS)
def test_the_specs_use_the_whole_language(part: str, sample: dict[str, Verdict]) -> None:
    used = any(part in text for text, verdict in sample.items() if verdict.result.refused_at is None)
    assert used or _is_written(part), f"no right spec has {part}"


def _is_written(part: str) -> bool:
    """Whether a right spec has a part that is too rarely right for the sample."""
    found: list[str] = []

    @fixed(EXAMPLES_WITH_A_PART, Phase.generate)
    @given(specs())
    def look(spec: Spec) -> None:
        if not found and part in spec.text and compare(spec).result.refused_at is None:
            found.append(spec.text)

    look()
    return bool(found)


@pytest.mark.parametrize("dimensions", [1, 2, 3, 4])
def test_the_inputs_are_vectors_signals_images_and_volumes(dimensions: int, sample: dict[str, Verdict]) -> None:
    inputs = [tuple(verdict.result.input.shape[1:]) for verdict in sample.values()]
    assert any(len(shape) == dimensions for shape in inputs)


def test_the_generator_knows_every_layer() -> None:
    assert set(LAYERS) == set(KNOWN_LAYERS)


# The property finds what is broken: each mutation makes one rule wrong.


class Mutation(NamedTuple):
    """owner.name becomes what `change` makes of it; specs about a word, right or wrong ones, must show it."""

    about: str
    intent: str
    owner: Any
    name: str
    change: Callable[[Any], Any]


def _off_by_one(rule: Any) -> Any:
    return lambda *given, **named: rule(*given, **named) + 1


def _no_rule(rule: Any) -> Any:
    return lambda *given, **named: None


def _without(name: str, value: Any) -> Callable[[Any], Any]:
    """The rule, blind to one of its arguments."""
    return lambda rule: lambda *given, **named: rule(*given, **{**named, name: value})


def _ceil_without_the_last_window_rule(rule: Any) -> Any:
    def count(size: int, kernel: int, stride: int, padding: int, dilation: int = 1, *, ceil: bool = False) -> int:
        if not ceil:
            return int(rule(size, kernel, stride, padding, dilation))
        return -(-(size + 2 * padding - dilation * (kernel - 1) - 1) // stride) + 1

    return count


def _first(rule: Any) -> Any:
    """A join of branches that looks at the first one only."""
    return lambda outputs, *more: outputs[0]


def _as_it_arrives(rule: Any) -> Any:
    return lambda self, x: x


def _weight_alone(rule: Any) -> Any:
    return lambda self, x: {name: shape for name, shape in rule(self, x).items() if name == "weight"}


def _doubled(rule: Any) -> Any:
    return lambda self, x: 2 * rule(self, x)


def _forgets_x(rule: Any) -> Any:
    return lambda self, x: self.body(x)


MUTATIONS = {
    "a window too many in convolutions": Mutation("conv", "right", conv, "window_count", _off_by_one),
    "a window too many in pools": Mutation("avgpool", "right", pool, "window_count", _off_by_one),
    "ceil is forgotten": Mutation("maxpool", "right", pool, "window_count", _without("ceil", False)),
    "a last window in the padding": Mutation(
        "avgpool", "right", pool, "window_count", _ceil_without_the_last_window_rule
    ),
    "a pool takes any padding": Mutation("maxpool", "shape", pool._Pool, "_check_padding", _no_rule),
    "a pixel too many, transposed": Mutation("convtranspose", "right", conv, "transposed_size", _off_by_one),
    "any output padding": Mutation("convtranspose", "shape", conv.TransposedConv, "_check_output_padding", _no_rule),
    "any groups in convolutions": Mutation("conv", "shape", conv, "require_divisible", _no_rule),
    "any groups in groupnorm": Mutation("groupnorm", "shape", norm, "require_divisible", _no_rule),
    "any margin in convolutions": Mutation("conv", "shape", conv, "check_mode", _no_rule),
    "any margin in pad": Mutation("pad", "shape", padding, "check_mode", _no_rule),
    "instancenorm on one pixel": Mutation("instancenorm", "shape", norm.InstanceNorm, "output", _as_it_arrives),
    "linear on images": Mutation(
        "linear", "shape", linear.Linear, "output", lambda rule: lambda self, x: (self.out, *x[1:])
    ),
    "no bias in the count": Mutation("dwconv", "right", conv._Convolution, "weights", _weight_alone),
    "MACs twice": Mutation("convtranspose", "right", conv.TransposedConv, "macs", _doubled),
    "any literal": Mutation("bn", "shape", Weighted, "check_weights", _no_rule),
    "concat joins anything": Mutation("concat", "shape", forms, "concat_shape", _first),
    "add takes anything": Mutation("add", "shape", forms, "add_shape", _first),
    "mul takes anything": Mutation("mul", "shape", forms, "mul_shape", _first),
    "a larger stride in shortcuts": Mutation("residual", "right", forms, "projection_stride", _off_by_one),
    "repeats are not counted": Mutation("relu", "right", ModuleNames, "count", lambda rule: lambda self, word: 1),
    "a residual without its shortcut": Mutation("residual", "right", modules.Residual, "forward", _forgets_x),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_broken_rule_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    about, intent, owner, attribute, change = MUTATIONS[name]
    monkeypatch.setattr(owner, attribute, change(getattr(owner, attribute)))

    @fixed(EXAMPLES_FOR_A_MUTATION, Phase.generate)
    @given(specs(about, intent))
    def agree(spec: Spec) -> None:
        assert compare(spec).disagreement is None

    with pytest.raises(AssertionError):
        agree()


# directly


@pytest.mark.parametrize("word", KNOWN_LAYERS)
def test_the_example_of_each_layer(word: str) -> None:
    text = KNOWN_LAYERS[word].example.replace(" ; ", "\n")
    report = specc.check(text)
    assert report.ok, str(report)
    rows = [Row(row.name, row.kind, row.input, row.output, row.params, row.macs) for row in report.layers]
    assert word in {row.kind for row in rows}
    assert difference_to_rows(specc.compile(text), rows, torch.randn(2, *rows[0].input)) is None


@pytest.mark.parametrize("attribute", sorted(dir(nn.Sequential())))
def test_no_module_is_called_like_an_attribute_of_its_container(attribute: str) -> None:
    assert ModuleNames().objection(attribute) is not None


def test_the_reference_counts_by_the_formulas_of_the_page() -> None:
    grouped = Step("conv", (Argument("out", 4), Argument("kernel", 3), Argument("groups", 2)))
    widened = Step("convtranspose", (Argument("out", 2), Argument("kernel", 2), Argument("stride", 2)))
    rows = run(
        Spec((4, 5, 5), (), (), (grouped, widened, Step("flatten"), Step("linear", (Argument("out", 10),))))
    ).rows
    assert [row.macs for row in rows] == [4 * 3 * 3 * (4 // 2) * 9, 4 * 3 * 3 * 2 * 4, 0, 72 * 10]
    assert [row.params for row in rows] == [4 * 2 * 9 + 4, 4 * 2 * 4 + 2, 0, 72 * 10 + 10]


@pytest.mark.parametrize(
    ("shape", "steps", "reason"),
    [
        ((3, 4, 4), [Step("linear", (Argument("out", 2),))], "linear takes a vector only"),
        ((3, 4, 4), [Step("slice", (Argument("start", 2), Argument("end", 5)))], "a slice lies within the channels"),
        ((3, 4, 4), [Step("split", branches=((Step("id"),), (Step("id"),)))], "an uneven cut"),
        ((3, 4, 4), [Step("add", branches=((Step("id"),), (Step("gap"),)))], "add needs equal shapes"),
        ((3, 4, 4), [Step("id", check=(3, 4))], "the checked shape does not hold"),
        ((3,), [Step("bn", (Argument("gamma", Rows((1, 2)), "key", "gamma"),))], "a literal has the shape of the"),
    ],
)
def test_the_reference_knows_what_torch_would_let_pass(shape: Any, steps: list[Step], reason: str) -> None:
    result = run(Spec(shape, (), (), tuple(steps)))
    assert result.refused_at is not None
    assert reason in result.reason


# every small window, where a formula is off by one at an edge that is seldom drawn

RANGES: dict[str, dict[str, range]] = {
    "conv": {"kernel": range(1, 5), "stride": range(1, 4), "padding": range(3), "dilation": range(1, 4)},
    "convtranspose": {"kernel": range(1, 4), "stride": range(1, 4), "padding": range(3), "output_padding": range(3),
                      "dilation": range(1, 3)},
    "maxpool": {"kernel": range(1, 5), "stride": range(1, 5), "padding": range(3), "dilation": range(1, 4),
                "ceil": range(2)},
    "avgpool": {"kernel": range(1, 5), "stride": range(1, 5), "padding": range(3), "ceil": range(2)},
    "pad": {"before": range(8), "after": range(4), "mode": range(4)},
}  # fmt: skip
MODES = ("zeros", "reflect", "replicate", "circular")


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("word", RANGES)
def test_every_small_window(word: str, rank: int) -> None:
    names, ranges = RANGES[word].keys(), RANGES[word].values()
    for size, *numbers in product(range(1, 7 if rank == 1 else 5), *ranges):
        fields: dict[str, Any] = dict(zip(names, numbers, strict=True)) | ({"out": 1} if "conv" in word else {})
        fields |= {"ceil": bool(fields["ceil"])} if "ceil" in fields else {}
        fields |= {"mode": MODES[fields["mode"]]} if "mode" in fields else {}
        shape = (1, *[size] * rank)
        assert _checked(word, fields, shape) == _run(word, fields, shape), (fields, shape)


def _checked(word: str, fields: dict[str, Any], shape: tuple[int, ...]) -> tuple[int, ...] | None:
    try:
        return KNOWN_LAYERS[word](**fields).output(shape)
    except ShapeError:
        return None


def _run(word: str, fields: dict[str, Any], shape: tuple[int, ...]) -> tuple[int, ...] | None:
    x = torch.zeros(2, *shape)
    try:
        return tuple(run_module(module_for(word, x, fields), x).shape[1:])
    except (Refusal, *TORCH_REFUSES):
        return None


@pytest.mark.parametrize("scale", [0.1, 0.25, 0.3, 0.5, 0.7, 1.1, 1.3, 1.5, 1.7, 2, 2.3, 3])
def test_every_small_scale(scale: float) -> None:
    for size in range(1, 65):
        assert _checked("upsample", {"scale": scale}, (1, size)) == _run("upsample", {"scale": scale}, (1, size)), size
