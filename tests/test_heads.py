"""A network with several outputs learns classes from all that `heads` names; the first one is told."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from callbacks import Heard, Stop
from commands import specc as command
from safetensors.torch import load_file
from torch import Tensor
from torch.nn.functional import cross_entropy

import specc
from specc.data.fit import misfit_of
from specc.diagnostics.diagnostic import Problem
from specc.gallery import entry
from specc.ir.analysis.unreached import unreached
from specc.ir.shaped import ShapedModel
from specc.pipeline import analyse
from specc.recipe.recipe import Recipe
from specc.runner.pretrained import _last_layers
from specc.runner.resume import resume
from specc.runner.run import train
from specc.source import Source
from specc.syntax.format import format_source
from specc.tasks.registry import task_of
from specc.tasks.task import Targets

pytestmark = pytest.mark.usefixtures("one_thread")

SPEC = """\
input 1x8x8
early: { conv 8 k3 p1 -> bn -> relu -> maxpool 2 } -> conv 8 k3 p1 -> relu -> dropout 0.2
outputs { main: flatten -> linear 10 | aux: from early -> flatten -> linear 10 }
"""
SHORT: dict[str, Any] = {"data": "digits", "limit": 192, "batch": 32, "precision": "fp32", "epochs": 2}


def shaped(text: str = SPEC) -> ShapedModel:
    analysis = analyse(Source("net.cnn", text))
    assert analysis.model is not None, analysis.diagnostics
    return analysis.model


def misfit(spec: str, **recipe: Any) -> tuple[str, str, str]:
    found = misfit_of(task_of(Recipe(**recipe)), shaped(spec), None)
    assert found is not None
    return found.code, found.message, found.help


# What is said


def test_a_spec_says_what_each_output_counts() -> None:
    analysis = analyse(Source("net.cnn", SPEC + "param w = 0.3\ntrain { heads main=1 aux=w }\n"))
    assert analysis.ok, analysis.diagnostics
    assert task_of(analysis.recipe).weighed == (("main", 1.0), ("aux", 0.3))


def test_the_canonical_form_keeps_them() -> None:
    text = SPEC + "\ntrain { heads main=1 aux=0.3 }\n"
    assert format_source(Source("net.cnn", text)).text == text


def test_without_heads_several_outputs_are_refused() -> None:
    code, message, help = misfit(SPEC)
    assert (code, message) == (
        "E606", "this network has several outputs (main, aux), and nothing says what each of them counts"
    )  # fmt: skip
    assert help.startswith("`heads main=1 aux=0.3` in `train { }`")


@pytest.mark.parametrize("task", ["segment", "regress", "multilabel", "reconstruct"])
def test_other_tasks_need_a_single_output(task: str) -> None:
    code, message, help = misfit(SPEC, task=task)
    assert (code, message) == (
        "E606", f"this network has several outputs (main, aux), and `task {task}` needs a single one"
    )  # fmt: skip
    assert "heads" not in help


@pytest.mark.parametrize(
    ("heads", "help"),
    [
        ("main=1 auxx=0.3", "did you mean `aux`?"),
        ("main=1 side=0.3", "its outputs are main, aux"),
        ("main=1 main=2", "keep one of the two"),
    ],
)
def test_an_option_names_the_outputs(heads: str, help: str) -> None:
    code, _, said = misfit(SPEC, heads=heads)
    assert (code, said) == ("E720", help)


def test_each_that_is_named_has_the_classes_of_the_data() -> None:
    spec = SPEC.replace("early -> flatten -> linear 10", "early -> conv 3 k1")
    code, message, _ = misfit(spec, heads="main=1 aux=1")
    assert (code, message) == (
        "E606", "a classifier gives one number for each class, but the network gives 3x4x4 as `aux`"
    )  # fmt: skip
    assert misfit_of(task_of(Recipe(heads="main=1")), shaped(spec), None) is None


def test_the_way_out_is_in_the_branch(tmp_path: Path) -> None:
    spec = SPEC.replace("early -> flatten -> linear 10", "early -> flatten -> linear 7")
    (tmp_path / "net.cnn").write_text(spec + "train { heads main=1 aux=1 }\n")
    done = command("check", "net.cnn", "--data", "digits", cwd=tmp_path)
    assert "W511" in done.stdout and "digits has 10 classes, but the network gives 7 as `aux`" in done.stdout
    assert "end the branch `aux` with `linear 10`" in done.stdout


def test_a_mistyped_name_is_mended(tmp_path: Path) -> None:
    (tmp_path / "net.cnn").write_text(SPEC + "\ntrain { heads main=1 auxx=0.3 }\n")
    done = command("check", "net.cnn", "--fix", cwd=tmp_path)
    assert (tmp_path / "net.cnn").read_text() == SPEC + "\ntrain { heads main=1 aux=0.3 }\n", done.stdout


@pytest.mark.parametrize(
    ("heads", "message"),
    [
        ("", "but nothing is given"),
        ("main", "not `main`"),
        ("main=-1", "not `main=-1`"),
        ("main=1x", "not `main=1x`"),
        ("main=0 aux=1", "not `main=0 aux=1`"),
        ("main=1e9", "not `main=1e9`"),
    ],
)
def test_what_heads_do_not_take(heads: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "net.cnn").write_text(SPEC)
    done = command("train", "net.cnn", "--heads", heads, cwd=tmp_path)
    assert (done.returncode, message in done.stderr) == (2, True), done.stderr


def test_train_ends_before_torch_with_the_code(tmp_path: Path) -> None:
    (tmp_path / "net.cnn").write_text(SPEC)
    done = command("train", "net.cnn", "--heads", "main=1,auxx=1", cwd=tmp_path)
    assert (done.returncode, "error[E720]" in done.stderr, list(tmp_path.iterdir())) == (
        2, True, [tmp_path / "net.cnn"]
    )  # fmt: skip


# What is learned


def test_the_loss_is_the_sum_and_the_first_one_is_told() -> None:
    torch.manual_seed(0)
    goal = task_of(Recipe(heads="main=2 aux=0.5", label_smoothing=0.1)).start(Targets("digits", 10))
    outputs = {name: torch.randn(8, 10, requires_grad=True) for name in ("aux", "main")}
    x, y = torch.rand(8, 1, 8, 8), torch.randint(0, 10, (8,))

    def loss_of(name: str) -> Tensor:
        return cross_entropy(outputs[name], y, label_smoothing=0.1)

    assert torch.allclose(goal.loss(outputs, x, y), 2 * loss_of("main") + 0.5 * loss_of("aux"))  # type: ignore[arg-type] # by name
    meter = goal.meter(torch.device("cpu"))
    meter.update({name: output.detach() for name, output in outputs.items()}, x, y)  # type: ignore[arg-type] # by name
    assert meter.result(8)["loss"] == pytest.approx(float(cross_entropy(outputs["main"], y).detach()))
    (answer, *_) = goal.answers(outputs, 1)  # type: ignore[arg-type] # by name
    assert answer.cells[1][1] == pytest.approx(float(outputs["main"].softmax(1)[0].max().detach()))


def test_one_head_is_the_network_without_the_others(tmp_path: Path) -> None:
    """To the last bit: what is not named takes no part, and keeps its values, whatever the optimizer pulls at."""
    spec = SPEC.replace(" -> dropout 0.2", "")  # it would draw other numbers behind the weights of the other head
    alone = spec.partition("outputs")[0] + "flatten -> linear 10\n"
    settings = SHORT | {"optimizer": "adamw", "weight_decay": 0.1}
    one = train(alone, tmp_path / "one", **settings)
    two = train(spec, tmp_path / "two", heads="main=1", **settings)
    theirs, mine = (load_file(run.folder / "last.safetensors") for run in (one, two))
    for name, tensor in theirs.items():
        assert mine[name.replace("linear1", "outputs1.main.linear1")].equal(tensor), name
    assert [epoch.test_loss for epoch in one.metrics] == [epoch.test_loss for epoch in two.metrics]
    torch.manual_seed(0)
    begun = specc.compile(spec).get_parameter("outputs1.aux.linear1.weight")
    assert mine["outputs1.aux.linear1.weight"].equal(begun)


@pytest.mark.parametrize(
    "recipe",
    [
        {"heads": "main=1 aux=0.3"},
        {"heads": "main=1 aux=0", "optimizer": "sgd", "lr": 0.05, "momentum": 0.9},
        {"heads": "aux=1", "optimizer": "muon", "accumulate": 2, "average": 0.9, "mixup": 0.4},
        {"heads": "aux=1 main=0.5", "class_weights": "balanced", "validation": 0.2, "schedule": "onecycle"},
    ],
    ids=lambda recipe: recipe["heads"],
)
def test_a_run_that_is_stopped_and_resumed_ends_with_the_same_bits(recipe: dict[str, Any], tmp_path: Path) -> None:
    settings = SHORT | recipe
    train(SPEC, tmp_path / "whole", **settings)
    train(SPEC, tmp_path / "run", callback=Stop(after=3), **settings)
    resume(tmp_path / "run", callback=Stop(after=4))
    resume(tmp_path / "run")
    for name in ("last", "best", "state"):
        whole, run = (load_file(tmp_path / folder / f"{name}.safetensors") for folder in ("whole", "run"))
        assert whole.keys() == run.keys() and all(tensor.equal(run[key]) for key, tensor in whole.items())


def test_what_no_gradient_reaches_is_left_alone_and_resumed(tmp_path: Path) -> None:
    """A step whose output is left behind by a `from`."""
    spec = SPEC.partition("outputs")[0] + "conv 8 k3 p1\nadd { from early } -> flatten -> linear 10\n"
    settings = SHORT | {"optimizer": "adamw", "weight_decay": 0.1}
    train(spec, tmp_path / "whole", **settings)
    train(spec, tmp_path / "run", callback=Stop(after=4), **settings)
    resume(tmp_path / "run")
    whole, run = (load_file(tmp_path / folder / "state.safetensors") for folder in ("whole", "run"))
    assert whole.keys() == run.keys() and all(tensor.equal(run[key]) for key, tensor in whole.items())


@pytest.mark.parametrize(
    ("spec", "learned", "expected"),
    [
        (SPEC, ["main", "aux"], []),
        (SPEC, ["main"], ["outputs1.aux"]),
        (SPEC, ["aux"], ["outputs1.main", "dropout1", "relu1", "conv1"]),
        ("input 4x8x8\na: relu -> conv 4 k1 -> add { from a | id }\n", [], []),
        ("input 4x8x8\na: relu -> conv 4 k1 -> add { from a | from a }\n", [], ["conv1"]),
        ("input 4x8x8\na: relu -> conv 4 k1 -> residual { from a }\n", [], []),
        (
            "input 4x8x8\na: relu -> b: conv 4 k1 -> bn -> { add { from a | tanh -> add { from b } } }\n",
            [],
            ["bn1", "group1.add1.branch2.tanh1"],
        ),
        ("input 4x8x8\n{ a: relu -> conv 4 k1 -> add { from a } } x2\n", [], ["group1.conv1", "group2.conv1"]),
        ("input 4x8x8\na: relu -> conv 4 k1 -> upsample like=a\n", [], []),
    ],
)
def test_what_the_loss_does_not_depend_on(spec: str, learned: list[str], expected: list[str]) -> None:
    model = shaped(spec)
    found = unreached(model, learned)
    assert sorted(found) == sorted(expected)
    network = specc.compile(spec)
    given = network(torch.rand(2, *model.input, requires_grad=True))
    loss = sum(given[name].sum() for name in learned) if learned else given.sum()
    loss.backward()
    for name, weight in network.named_parameters():
        assert (weight.grad is None) == any(name.startswith(f"{one}.") for one in found), name


# What is made of it


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(SPEC, tmp_path_factory.mktemp("run") / "run", heads="main=1 aux=0.3", **SHORT).folder


def test_the_first_line_tells_them(tmp_path: Path) -> None:
    heard = Heard()
    train(SPEC, tmp_path / "run", heads="main=1 aux=0.3", callback=heard, **SHORT | {"epochs": 1})
    assert "; heads main=1 aux=0.3" in heard.lines[0]


def test_a_run_is_evaluated_by_its_first_output(run: Path, tmp_path: Path) -> None:
    best = json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])
    done = command("eval", str(run), "--weights", "last", "--format", "json", cwd=tmp_path)
    assert json.loads(done.stdout)["accuracy"] == pytest.approx(best["test_accuracy"])
    both = command("eval", str(run), "--tta", "flip", "--format", "json", cwd=tmp_path)
    assert both.returncode == 0, both.stderr
    assert (run / "report.html").stat().st_size > 1000


def test_python_predicts_with_the_first_output(run: Path) -> None:
    net = specc.load(run)
    x = torch.rand(3, 1, 8, 8)
    with torch.no_grad():
        wanted = net.model(x)["main"].softmax(1)
    for answer, shares in zip(net.predict(list(x)), wanted, strict=True):
        told = {one["class"]: one["probability"] for one in answer.values["classes"]}
        assert told["3"] == pytest.approx(float(shares[3]), rel=1e-4) if "3" in told else True
        assert max(told.values()) == pytest.approx(float(shares.max()), rel=1e-4)


def test_another_data_set_begins_with_fresh_heads(run: Path, tmp_path: Path) -> None:
    """What the last layer of each output has learned of other classes is of no use."""
    assert _last_layers(shaped()) == ("outputs1.main.linear1", "outputs1.aux.linear1")
    again = train(SPEC, tmp_path / "again", heads="main=1", from_weights=str(run), **SHORT)
    assert again.metrics[0].test_loss < 5


def test_bench_takes_its_classes_from_the_first(tmp_path: Path) -> None:
    (tmp_path / "net.cnn").write_text(SPEC + "train { heads main=1 aux=1 }\n")
    done = command("bench", "net.cnn", "--seconds", "0.1", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_a_run_whose_spec_has_lost_the_output_is_told(run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(run, folder)
    recipe = json.loads((folder / "recipe.json").read_text())
    assert recipe["heads"] == "main=1 aux=0.3"
    with pytest.raises(Problem):
        resume(folder, heads="main=1")


def test_all_of_the_network_of_the_paper_learns() -> None:
    analysis = analyse(entry("more/googlenet_heads").source)
    assert analysis.model is not None
    assert unreached(analysis.model, [name for name, _ in task_of(analysis.recipe).weighed]) == []
