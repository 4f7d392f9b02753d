"""The recipe: from `train { }` and from options, and the errors in both."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from specc.diagnostics.diagnostic import Diagnostic, Problem
from specc.recipe.judging import accepts, example, explain_wrong, from_text
from specc.recipe.optimizers import OPTIMIZER_SETTINGS, OPTIMIZERS
from specc.recipe.reading import overridden, read_recipe
from specc.recipe.recipe import PlainSetting, PlainValue, Recipe
from specc.source import Source, Span


def read(*lines: str) -> tuple[Recipe, tuple[Diagnostic, ...]]:
    """The recipe of a block with these lines, each `name value… key=value…`."""
    text = "\n".join(lines)
    settings, start = [], 0
    for line in lines:
        settings.append(_setting(line, start))
        start += len(line) + 1
    return read_recipe(settings, Source("a.cnn", text))


def _setting(line: str, start: int) -> PlainSetting:
    positional, options, at = [], [], start
    name, *words = line.split(" ")
    at += len(name) + 1
    for word in words:
        key, equals, text = word.rpartition("=")
        span = Span(at, at + len(word))
        value = PlainValue(_plain(text), span)
        if equals:
            options.append((key, Span(at, at + len(key)), value))
        else:
            positional.append(value)
        at += len(word) + 1
    place = Span(start, start + len(name))
    return PlainSetting(name, place, tuple(positional), tuple(options), Span(start, start + len(line)))


def _plain(text: str) -> Any:
    value = from_text("resize", text)  # numbers, sizes and lists
    return text if isinstance(value, tuple) and None in value else value


def errors(*lines: str) -> list[tuple[str, str]]:
    """Code and underlined text of each error."""
    _, found = read(*lines)
    return [(d.code, d.source.slice(d.span)) for d in found if d.source and d.span]


def test_no_block_is_the_defaults() -> None:
    recipe, found = read()
    assert recipe.model_dump() == Recipe().model_dump()
    assert not found


def test_optimizer_line_equals_separate_lines() -> None:
    together, _ = read("optimizer sgd lr=0.1 momentum=0.9")
    apart, found = read("optimizer sgd", "lr 0.1", "momentum 0.9")
    assert together == apart
    assert not found
    assert together.optimizer_arguments() == {
        "lr": 0.1, "momentum": 0.9, "nesterov": False, "weight_decay": 0.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("epochs 3e1", "epochs", 30),
        ("epochs 2.5", "epochs", 2.5),
        ("resize 32", "resize", 32),
        ("resize 32x48", "resize", (32, 48)),
        ("normalize", "normalize", True),
        ("normalize false", "normalize", False),
        ("betas 0.9,0.99", "betas", (0.9, 0.99)),
        ("betas 0.9 0.99", "betas", (0.9, 0.99)),
        ("data fashion-mnist", "data", "fashion-mnist"),
        ("channels 3", "channels", 3),
        ("lr 1", "lr", 1.0),
        ("task reconstruct", "task", "reconstruct"),
        ("objective reconstruct", "task", "reconstruct"),  # as it was called once
        ("resized_crop 0.08", "resized_crop", 0.08),
        ("color_jitter 0.4", "color_jitter", 0.4),
        ("color_jitter 0.4 0.4 0", "color_jitter", (0.4, 0.4, 0.0)),
        ("in_memory off", "in_memory", "off"),
        ("workers 0", "workers", 0),
        ("device cuda:1", "device", "cuda:1"),
    ],
)
def test_values(line: str, name: str, value: object) -> None:
    recipe, found = read(line)
    assert not found
    assert getattr(recipe, name) == value


def test_nesterov_may_follow_the_optimizer() -> None:
    recipe, found = read("optimizer sgd nesterov momentum=0.9")
    assert recipe.nesterov
    assert not found


@pytest.mark.parametrize(
    ("line", "code", "place"),
    [
        ("epoch 3", "E220", "epoch"),
        ("learning_rate 0.1", "E220", "learning_rate"),
        ("optimizer adam rate=0.1", "E220", "rate"),
        ("epochs 3 lr=0.1", "E220", "lr"),
        ("epochs 0", "E221", "0"),
        ("epochs (-1/2)", "E221", "(-1/2)"),
        ("epochs true", "E221", "true"),
        ("epochs", "E221", "epochs"),
        ("epochs 3 4", "E221", "4"),
        ("lr -1", "E221", "-1"),
        ("momentum 1", "E221", "1"),
        ("optimizer adm", "E221", "adm"),
        ("resize 0x3", "E221", "0x3"),
        ("device gpu", "E221", "gpu"),
        ("optimizer sgd nesterov=true", "E221", "nesterov=true"),
    ],
)
def test_errors_point_at_the_word(line: str, code: str, place: str) -> None:
    assert errors(line) == [(code, place)]


def test_all_errors_of_a_block_at_once() -> None:
    recipe, found = read("epoch 3", "batch 0", "lr 0.1", "lr 0.2")
    assert [d.code for d in found] == ["E220", "E221", "E222"]
    assert recipe.lr == 0.1
    assert found[2].others[0].text == "first given here"


def test_argument_that_the_optimizer_lacks() -> None:
    _, (found,) = read("optimizer adam", "momentum 0.9")
    assert found.code == "E221"
    assert "`sgd`, `rmsprop` and `muon`" in found.message


@pytest.mark.parametrize(
    ("lines", "words"),
    [(["step_epochs 3"], "has no `step_epochs`"), (["schedule onecycle", "warmup 2"], "a warm-up of its own")],
)
def test_settings_that_the_schedule_lacks(lines: list[str], words: str) -> None:
    _, (found,) = read(*lines)
    assert words in found.message


@pytest.mark.parametrize("setting", ["mixup 0.2", "label_smoothing 0.1"])
def test_an_autoencoder_has_no_classes_to_change(setting: str) -> None:
    _, (found,) = read("task reconstruct", setting)
    assert (found.code, "has none" in found.message) == ("E221", True)
    assert not read("task reconstruct", "label_smoothing 0")[1]


def test_nesterov_has_a_momentum_with_muon() -> None:
    assert not read("optimizer muon nesterov")[1]
    assert read("optimizer muon nesterov momentum=0")[1][0].help == "add `momentum 0.9`"


def test_one_mistake_is_one_error() -> None:
    assert errors("optimizer sgdd", "momentum 0.9") == [("E221", "sgdd")]
    assert errors("optimizer sgd nesterov momentum=9") == [("E221", "momentum=9")]


def test_help_of_unknown_settings() -> None:
    assert [d.help for d in read("learning_rate 0.1")[1]] == ["did you mean `lr`?"]
    assert [d.help for d in read("bacth 3")[1]] == ["did you mean `batch`?"]


@pytest.mark.parametrize("name", Recipe.model_fields)
def test_every_setting_is_documented(name: str) -> None:
    field = Recipe.model_fields[name]
    assert field.description and field.description.endswith(".")
    assert field.examples
    wrong = explain_wrong(name, ())
    assert wrong is not None
    assert accepts(name) in wrong.message
    first = example(name).split(" ")[0].strip('"') if name != "betas" else example(name)
    assert explain_wrong(name, from_text(name, first)) is None


def test_optimizer_settings_are_fields() -> None:
    assert Recipe.model_fields.keys() >= OPTIMIZER_SETTINGS
    assert set(OPTIMIZERS) == {"adam", "adamw", "sgd", "rmsprop", "muon", "lion", "lamb", "adafactor"}


def test_option_wins() -> None:
    recipe, _ = read("epochs 30", "optimizer sgd lr=0.1 momentum=0.9")
    changed = overridden(recipe, {"epochs": 2, "batch": None, "lr": 0.5})
    assert (changed.epochs, changed.batch, changed.lr, changed.momentum) == (2, 128, 0.5, 0.9)


def test_other_optimizer_drops_what_it_has_not() -> None:
    recipe, _ = read("optimizer sgd lr=0.1 momentum=0.9")
    changed = overridden(recipe, {"optimizer": "adam"})
    assert (changed.momentum, changed.lr) == (None, 0.1)


@pytest.mark.parametrize(
    ("options", "code"),
    [({"epoch": 3}, "E220"), ({"epochs": 0}, "E221"), ({"momentum": 0.9}, "E221"), ({"nesterov": True}, "E221")],
)
def test_wrong_options(options: dict[str, object], code: str) -> None:
    with pytest.raises(Problem) as caught:
        overridden(Recipe(), options)
    assert caught.value.diagnostic.code == code
    assert "validation" not in caught.value.diagnostic.message


def test_recipe_imports_no_torch() -> None:
    code = "import sys, specc.recipe.recipe; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_train_has_an_option_for_every_setting() -> None:
    from specc.cli.train import command

    assert list(Recipe.model_fields) == [param.name for param in command.params[1:]][: len(Recipe.model_fields)]
