"""Imports point towards the left: text -> tree -> model -> shaped model -> module -> run."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import specc
from specc.layers.registry import LAYERS

ROOT = Path(specc.__file__).parent

# Each stage, from left to right, with the folders or files that belong to it.
ORDER = [
    ["source"],
    ["diagnostics"],
    ["files"],
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


# What a layer is in torch stands in its class. Elsewhere torch's names stand only where something else is meant.
NAMES_ELSEWHERE = {
    "build/modules.py": "the modules that torch lacks are made of torch's",
    "emit/python/supplement.py": "their source, for a file that needs no specc",
    "exchange/importing/following.py": "functions that draw by chance are followed with care",
    "exchange/importing/trace.py": "patterns of several operations, by the module or function that they begin with",
    "exchange/importing/weighted.py": "what a function with weights is as a module",
    "exchange/importing/importer.py": "the first layer tells what input a model may be made for",
    "exchange/importing/darknet": "Darknet's own words",
    "fixes/translate.py": "a word of torch's that becomes one of several layers",
    "ir/names/foreign.py": "what other frameworks call our layers",
    "runner/cpu/door.py": "modules that are there, run in another order",
    "runner/session.py": "modules that keep averages",
}


def _torch_names(tree: ast.AST) -> Iterator[str]:
    """Attributes of `nn` and `F`, and strings, that are a class or a function of a layer."""
    known = {name for cls in LAYERS.values() if cls.torch for name in (*cls.torch.classes(), *cls.torch.functions())}
    known -= LAYERS.keys()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in ("nn", "F"):
            yield from {node.attr} & known
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from {node.value.rpartition(".")[2]} & known


def _tables(tree: ast.AST) -> Iterator[str]:
    """Collections of three or more words of layers."""
    for node in ast.walk(tree):
        parts = node.keys if isinstance(node, ast.Dict) else getattr(node, "elts", [])
        words = [part.value for part in parts if isinstance(part, ast.Constant) and part.value in LAYERS]
        if len(words) > 2:
            yield " ".join(map(str, words))


def _elsewhere(path: Path) -> bool:
    inside = path.relative_to(ROOT).as_posix()
    return inside.startswith("layers/") or any(inside.startswith(place) for place in NAMES_ELSEWHERE)


@pytest.mark.parametrize("find", [_torch_names, _tables])
def test_what_a_layer_is_in_torch_stands_in_its_class(find: Callable[[ast.AST], Iterator[str]]) -> None:
    found = {
        str(path.relative_to(ROOT)): names
        for path in files()
        if not _elsewhere(path) and (names := list(find(ast.parse(path.read_text(encoding="utf-8")))))
    }
    assert found == {}


def test_each_exception_is_needed() -> None:
    for place in NAMES_ELSEWHERE:
        trees = [
            ast.parse(path.read_text(encoding="utf-8"))
            for path in files()
            if path.relative_to(ROOT).as_posix().startswith(place)
        ]
        assert any(list(find(tree)) for tree in trees for find in (_torch_names, _tables)), place


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
