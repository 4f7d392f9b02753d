"""Imports point towards the left: text -> tree -> model -> shaped model -> module -> run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import specc
from specc.layers.registry import LAYERS

ROOT = Path(specc.__file__).parent

# Each stage, from left to right, with the folders or files that belong to it.
ORDER = [
    ["source"],
    ["diagnostics"],
    ["files", "limits"],
    ["gallery"],
    ["syntax", "reading"],
    ["layers"],
    ["tasks"],
    ["recipe"],
    ["ir"],
    ["pipeline", "highlight"],
    ["fixes"],
    ["annotate"],
    ["build"],
    ["emit"],
    ["api"],
    ["notebook"],
    ["data"],
    ["report"],
    ["runner"],
    ["evaluate"],
    ["exchange"],
    ["serve"],
    ["search"],
    ["grade"],
    ["lsp"],
    ["play"],
    ["cli"],
]
RANK = {name: rank for rank, names in enumerate(ORDER) for name in names}
# A layer's `build` makes the modules that torch lacks; the import stands inside the function.
INSIDE_BUILD = ("layers", "build")


def stage_of(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[0] == "specc" else None


def imports_of(path: Path) -> list[tuple[str, bool, int]]:
    """Every import of a file: the module, whether it stands at the top level, the line."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top = {id(node) for node in tree.body}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" if node.module == "specc" else node.module for alias in node.names]
            found += [(name, id(node) in top, node.lineno) for name in names]
        elif isinstance(node, ast.Import):
            found += [(alias.name, id(node) in top, node.lineno) for alias in node.names]
    return found


def files() -> list[Path]:
    return sorted(
        path for path in ROOT.rglob("*.py") if path.parent != ROOT or path.stem not in ("__init__", "__main__")
    )


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_left(path: Path) -> None:
    own = path.relative_to(ROOT).parts[0].removesuffix(".py")
    for module, at_top, line in imports_of(path):
        stage = stage_of(module)
        if stage is None or stage not in RANK:
            continue
        if (own, stage) == INSIDE_BUILD and not at_top:
            continue
        assert RANK[stage] <= RANK[own], f"{path}:{line}: {own} imports {stage}, which comes after it"


def test_every_stage_is_in_the_order() -> None:
    """A new folder must be given its place, or the test above would pass over it."""
    names = {path.name.removesuffix(".py") for path in ROOT.iterdir() if not path.name.startswith("__")}
    code = {name for name in names if (ROOT / name).is_dir() or (ROOT / f"{name}.py").exists()}
    assert code - {"specs"} <= RANK.keys()


def test_only_build_and_the_runner_import_torch() -> None:
    """torch stands at the top of a file only where a network is built or trained."""
    for path in files():
        stage = path.relative_to(ROOT).parts[0].removesuffix(".py")
        for module, at_top, line in imports_of(path):
            if module.partition(".")[0] in ("torch", "torchvision") and at_top:
                assert stage in ("build", "data", "runner", "evaluate", "exchange", "serve"), (
                    f"{path}:{line} imports {module} at the top"
                )


class Elsewhere(NamedTuple):
    """Why torch's names of layers, or tables of our words, stand in a file, which, and how many tables."""

    why: str
    names: str = ""
    tables: int = 0


# What a layer is in torch stands in its class. Elsewhere torch's names stand only where something else is meant.
NAMES_ELSEWHERE = {
    "build/modules.py": Elsewhere("the modules that torch lacks are made of torch's", "LayerNorm interpolate pad"),
    "emit/python/supplement.py": Elsewhere(
        "their source, for a file that needs no specc",
        "ChannelLayerNorm ChannelMax ChannelMean ChannelPad DropPath GlobalResponseNorm LayerNorm LayerScale "
        "LayerShift Scale Shift Slice pad",
    ),
    "exchange/importing/following.py": Elsewhere(
        "functions that draw by chance are followed with care", "dropout dropout1d dropout2d dropout3d"
    ),
    "exchange/importing/trace.py": Elsewhere(
        "patterns of several operations, by the module or function that they begin with", "LayerNorm Linear pad"
    ),
    "exchange/importing/weighted.py": Elsewhere(
        "what a function with weights is as a module", "GroupNorm LayerNorm Linear PReLU"
    ),
    "exchange/importing/importer.py": Elsewhere(
        "the first layer tells what input a model may be made for", "Conv1d Conv2d Linear"
    ),
    "exchange/importing/darknet.py": Elsewhere("Darknet's own words", tables=1),
    "exchange/importing/darknet_options.py": Elsewhere("Darknet's own words", tables=4),
    "fixes/translate.py": Elsewhere("a word of torch's that becomes one of several layers", "interpolate"),
    "ir/names/foreign.py": Elsewhere("what other frameworks call our layers", tables=1),
    "ir/names/habits.py": Elsewhere("what other frameworks call our option words", tables=1),
    "runner/why.py": Elsewhere("a map is stretched over the picture that it is of", "interpolate"),
    "runner/cpu/door.py": Elsewhere(
        "modules that are there, run in another order", "MaxPool1d MaxPool2d MaxPool3d ReLU ReLU6"
    ),
    "runner/session.py": Elsewhere("modules that keep averages", "BatchNorm1d BatchNorm2d BatchNorm3d"),
}
PICTURES = ("data", "evaluate")  # worked on by torch's functions, which say nothing of a network there
TORCH = {name for cls in LAYERS.values() if cls.torch for name in (*cls.torch.classes(), *cls.torch.functions())}
DOTTED = re.compile(r"\b(?:nn|F|functional)\.([A-Za-z_]\w*)")


def _texts(tree: ast.AST) -> Iterator[str]:
    """The strings of a file, but for its docstrings."""
    told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
            yield node.value


def _torch_names(tree: ast.AST) -> set[str]:
    """Classes and functions of layers: of `nn` and `F`, imported from there, and in strings."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            around = node.value.id if isinstance(node.value, ast.Name) else getattr(node.value, "attr", "")
            found |= {node.attr} if around in ("nn", "F", "functional") else set()
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("torch.nn"):
            found |= {alias.name for alias in node.names}
    for text in _texts(tree):
        found |= {text.rpartition(".")[2]} - LAYERS.keys() | set(DOTTED.findall(text))
    return found & TORCH


def _tables(tree: ast.AST) -> list[str]:
    """Collections of three or more words of layers: in brackets, in a string, as the cases of a `match`."""
    found: list[list[object]] = []
    parts: list[Any]
    for node in ast.walk(tree):
        match node:
            case ast.Dict():
                parts = [node.keys, node.values]
            case ast.MatchOr():
                parts = [[getattr(pattern, "value", None) for pattern in node.patterns]]
            case ast.BoolOp():
                parts = [[other for one in node.values for other in getattr(one, "comparators", [])]]
            case _:
                parts = [getattr(node, "elts", [])]
        found += [[one.value for one in part if isinstance(one, ast.Constant)] for part in parts]
    for text in _texts(tree):
        words: list[object] = list(re.findall(r"\w+", text)) if re.fullmatch(r"[\w\s|,()?:]+", text) else []
        found.append(words if all(word in LAYERS for word in words) else [])
    tables = [[str(word) for word in part if word in LAYERS] for part in found]
    return [" ".join(words) for words in tables if len(words) > 2]


def test_what_a_layer_is_in_torch_stands_in_its_class() -> None:
    """Just these names in just these files: one that goes is to leave the list, and one that comes needs a reason."""
    found: dict[str, tuple[set[str], int]] = {}
    for path in files():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names, tables, stage = _torch_names(tree), _tables(tree), path.relative_to(ROOT).parts[0]
        names = {name for name in names if name[0].isupper()} if stage in PICTURES else names
        if (names or tables) and stage != "layers":
            found[path.relative_to(ROOT).as_posix()] = names, len(tables)
    assert found == {path: (set(one.names.split()), one.tables) for path, one in NAMES_ELSEWHERE.items()}


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("x = nn.Conv2d(3, 4, 3)", "Conv2d"),
        ("x = torch.nn.Conv2d", "Conv2d"),
        ("y = torch.nn.functional.relu(x)", "relu"),
        ("from torch.nn import BatchNorm2d as Norm", "BatchNorm2d"),
        ("from torch.nn.functional import max_pool2d", "max_pool2d"),
        ("kind = 'Conv2d'", "Conv2d"),
        ("kind = 'torch.nn.Conv2d'", "Conv2d"),
        ("line = f'self.{name} = nn.Linear({a}, {b})'", "Linear"),
        ('def f():\n    """As torch.nn.Conv2d has it."""', ""),
        ("word = 'relu'", ""),
        ("nn.Module", ""),
    ],
)
def test_a_name_of_torch_s_is_found_wherever_it_stands(code: str, names: str) -> None:
    assert _torch_names(ast.parse(code)) == set(names.split())


@pytest.mark.parametrize(
    ("code", "count"),
    [
        ("POOLS = ('maxpool', 'avgpool', 'gap')", 1),
        ("NAMES = {'conv': 1, 'linear': 2, 'bn': 3}", 1),
        ("NAMES = {'c': 'conv', 'l': 'linear', 'b': 'bn'}", 1),
        ("POOLS = 'maxpool avgpool gap'.split()", 1),
        ("PATTERN = r'(?:conv|linear|bn)'", 1),
        ("match word:\n    case 'relu' | 'gelu' | 'silu':\n        pass", 1),
        ("if word == 'relu' or word == 'gelu' or word == 'silu':\n    pass", 1),
        ("POOLS = ('maxpool', 'avgpool')", 0),
        ("TEXT = 'the slice of a flatten conv'", 0),
    ],
)
def test_a_table_of_layers_is_found_however_it_is_written(code: str, count: int) -> None:
    assert len(_tables(ast.parse(code))) == count


def modules() -> dict[str, Path]:
    """Every module of the package, by its name."""
    return {
        ".".join(("specc", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__"): path
        for path in ROOT.rglob("*.py")
    }


def imported() -> dict[str, set[str]]:
    """The modules of the package that each one imports, wherever that stands: deferred, or for types only."""
    known = modules()
    found: dict[str, set[str]] = {}
    for name, path in known.items():
        found[name] = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found[name] |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                inner = [f"{node.module}.{alias.name}" for alias in node.names]
                found[name] |= {one if one in known else node.module for one in inner}
        found[name] &= known.keys() - {name}
    return found


def test_imports_have_no_circle() -> None:
    left = imported()
    while True:
        ends = {name for name, others in left.items() if not others & left.keys()}
        if not ends:
            break
        left = {name: others for name, others in left.items() if name not in ends}
    assert not left, f"these lead back to where they came from, or to such a circle: {sorted(left)}"


# Tables in which modules stand by name, and packages that a run can do without.
BY_NAME = {
    "cli/main.py", "runner/callbacks/registry.py", "runner/callbacks/mlflow.py", "runner/callbacks/tensorboard.py",
    "runner/callbacks/visdom.py", "runner/callbacks/wandb.py", "exchange/importing/source.py",
    "recipe/entries.py", "tasks/registry.py", "data/sources/__init__.py", "data/sources/package.py",
}  # fmt: skip


def test_modules_are_imported_by_name_in_registries_only() -> None:
    found = {
        path.relative_to(ROOT).as_posix()
        for path in ROOT.rglob("*.py")
        if re.search(r"\b(import_module|__import__)\(", path.read_text(encoding="utf-8"))
    }
    assert found <= BY_NAME


LAYER = "a layer, and the torch module that it builds"
TREE = "as it is written, and as it is meant"
# Class names that two classes bear, and why. No other one may come, and what goes stays away.
TWICE = {
    **dict.fromkeys(("Block", "BlockParameter", "Budget", "Chain"), TREE),
    **dict.fromkeys(("ChannelMax", "ChannelMean", "ChannelPad", "DropPath", "GlobalResponseNorm"), LAYER),
    **dict.fromkeys(("LayerScale", "LayerShift", "Scale", "Shift", "Slice"), LAYER),
}
HOMES = {TREE: {"syntax/tree.py", "ir/model.py"}, LAYER: {"layers", "build/modules.py"}}


def test_a_class_name_stands_for_one_class() -> None:
    found: dict[str, list[str]] = {}
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                found.setdefault(node.name, []).append(path.relative_to(ROOT).as_posix())
    twice = {name: homes for name, homes in found.items() if len(homes) > 1}
    assert twice.keys() == TWICE.keys()
    assert len(TWICE) <= 15
    for name, homes in twice.items():
        known = HOMES[TWICE[name]]
        assert {home if home in known else home.partition("/")[0] for home in homes} == known


def test_tricks_for_cpus_stand_behind_one_door() -> None:
    """What a trick needs is known inside their folder alone, so that each can be removed in one step."""
    allowed = {"specc.runner.cpu.door", "specc.runner.cpu.process"}
    for path in files():
        if "cpu" in path.relative_to(ROOT).parts:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for_types = {id(node) for test in ast.walk(tree) if _is_for_types(test) for node in ast.walk(test)}
        found = {
            node.module
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("specc.runner.cpu")
            if id(node) not in for_types
        }
        assert found <= allowed, path


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
