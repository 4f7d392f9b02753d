"""The page as files that any web server can hold: the same compiler in the browser, by Pyodide."""

from __future__ import annotations

import io
import json
import re
import shutil
import zipfile
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from specc import files
from specc.diagnostics.diagnostic import Problem
from specc.emit.draw.theme import style_sheet_for_page
from specc.gallery import SUFFIX, entries
from specc.play.app import BUNDLE, FILES, WORKERS, gallery, page, start_of
from specc.play.licences import RULE, of_onnxruntime, of_packages, of_pyodide
from specc.play.opening import Opened

if TYPE_CHECKING:
    from specc.exchange.every_layer import ShownNetwork

PYODIDE = "314.0.7"
ONNXRUNTIME = "1.30.0"
PUBLIC = f"https://cdn.jsdelivr.net/pyodide/v{PYODIDE}/full/"
PUBLIC_ONNX = f"https://cdn.jsdelivr.net/npm/onnxruntime-web@{ONNXRUNTIME}/dist/"
OWN, OWN_ONNX = "pyodide/", "onnxruntime/"  # where copies of them lie beside the page
CORE = "pydantic_core"
NEEDED = ("pyodide.mjs", "pyodide-lock.json", "python_stdlib.zip")
NEEDED_FOR_RUNS = ("dist/ort.wasm.bundle.min.mjs", "dist/ort-wasm-simd-threaded.wasm")
NETWORK, ABOUT_NETWORK = "network.onnx", "network.json"
LICENCES = "licences.txt"
# What the compiler and its language server import that is Python alone, by module.
PURE = (
    "annotated_types",
    "typing_extensions",
    "typing_inspection",
    "pygls",
    "lsprotocol",
    "attr",
    "attrs",
    "cattrs",
)
LEFT_OUT = {"__pycache__", "page", "bundle"}
MOMENT = (1980, 1, 1, 0, 0, 0)  # of every file in the archive, so that the same code gives the same bytes
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'{elsewhere}; style-src 'self' 'unsafe-inline'; "
    "connect-src 'self'{elsewhere}; worker-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'"
)


class Python(NamedTuple):
    """Where the page finds Python. address: Pyodide's files; packages: what it is to load; code: everything else."""

    address: str
    packages: tuple[str, ...]
    code: str = "specc.zip"

    @property
    def is_vendored(self) -> bool:
        return self.address != PUBLIC

    @property
    def modules(self) -> tuple[str, ...]:
        """What the archive holds beside the compiler."""
        return (*PURE, "pydantic") if self.is_vendored else PURE


def write_site(found: Opened, folder: Path, vendored: Path | None = None) -> None:
    """Writes the page with a spec as its first text; with a run its network as well, for feature maps.

    Args:   folder, made where it is not there; vendored, a folder with Pyodide's files and a wheel of pydantic_core for
            it, for a run with those of onnxruntime-web as well, which are copied; None: the page asks public addresses.
    Raises: Problem E740 where the copy lacks something, E741 where the folder cannot be written; E640, E641, E647, E661
            to E663 for a run.
    """
    python = Python(PUBLIC, ("pydantic",))
    if vendored is not None:
        python = Python(OWN, (OWN + _wheel(vendored, is_run=found.run is not None).name,))
    network = None if found.run is None else _network(found.run)
    with files.told("E741", folder, "name another folder with `--site`"):
        folder.mkdir(parents=True, exist_ok=True)
        for name in {*FILES, *WORKERS} - {LICENCES}:
            shutil.copyfile(BUNDLE / name, folder / name)
        if network is not None:
            about = {
                **network.about,
                "text": found.source.text,
                "runtime": PUBLIC_ONNX if vendored is None else OWN_ONNX,
            }
            files.write(folder / NETWORK, network.content)
            files.write(folder / ABOUT_NETWORK, json.dumps(about).encode())
        for path, text in _texts(found, python, is_run=network is not None):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            files.write(folder / path, text.encode())
        files.write(folder / python.code, _archive(python.modules))
        if vendored is not None:
            _copy([path for path in vendored.iterdir() if path.is_file()], folder / OWN)
            _copy([vendored / name for name in NEEDED_FOR_RUNS if network is not None], folder / OWN_ONNX)


def _copy(paths: Sequence[Path], folder: Path) -> None:
    if paths:
        folder.mkdir(exist_ok=True)
    for path in paths:
        shutil.copyfile(path, folder / path.name)


def _network(run: Path) -> ShownNetwork:
    """A run's network with the outputs of its layers. Raises: Problem E640, E641, E647, E661 to E663."""
    from specc.evaluate.trained import load_trained
    from specc.exchange.every_layer import every_layer

    return every_layer(load_trained(run))


def _texts(found: Opened, python: Python, *, is_run: bool) -> Iterator[tuple[str, str]]:
    elsewhere = "" if python.is_vendored else f" {PUBLIC}" + f" {PUBLIC_ONNX}" * is_run
    policy = f'<meta http-equiv="Content-Security-Policy" content="{POLICY.format(elsewhere=elsewhere)}">'
    yield "index.html", page().replace("<meta charset", f"{policy}\n<meta charset", 1)
    yield LICENCES, RULE.join(_licences(python, is_run=is_run))
    yield "colours.css", style_sheet_for_page()
    yield "start.json", json.dumps({**start_of(found)._asdict(), "python": python._asdict(), "run": is_run})
    yield "gallery.json", json.dumps(gallery())
    for one in entries():
        yield f"gallery/{one.name}{SUFFIX}", one.text


def _licences(python: Python, *, is_run: bool) -> Iterator[str]:
    yield (BUNDLE / LICENCES).read_text(encoding="utf-8")
    yield f"{python.code} holds these packages, each under its own licence.\n"
    yield from of_packages(python.modules)
    if python.is_vendored:
        yield of_pyodide(PYODIDE, OWN)
    if python.is_vendored and is_run:
        yield of_onnxruntime(ONNXRUNTIME, OWN_ONNX)


def _wheel(vendored: Path, *, is_run: bool) -> Path:
    """The wheel of pydantic's core in a copy of Pyodide. Raises: Problem E740."""
    lacking = [name for name in (*NEEDED, *NEEDED_FOR_RUNS * is_run) if not (vendored / name).is_file()]
    wheels = sorted(vendored.glob(f"{CORE}-*.whl"))
    wanted = version(CORE)
    fitting = [wheel for wheel in wheels if re.match(rf"{CORE}-{re.escape(wanted)}-.*(emscripten|pyodide)", wheel.name)]
    lacking += [] if fitting else [f"a wheel of {CORE} {wanted} for Pyodide"]
    if lacking:
        raise Problem.of("E740", f"`{vendored}` is no copy of Pyodide for this page: it lacks {', '.join(lacking)}",
            help="`specc explain E740` says how one is made")  # fmt: skip
    return fitting[0]


def _archive(packages: tuple[str, ...]) -> bytes:
    """The compiler, and packages that it imports, as a zip file: the same bytes for the same code."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("specc", *packages):
            for path, inside in _modules(name):
                archive.writestr(zipfile.ZipInfo(inside, MOMENT), path.read_bytes(), zipfile.ZIP_DEFLATED)
    return content.getvalue()


def _modules(name: str) -> Iterator[tuple[Path, str]]:
    """The files of a package, or the file of a module, with the names that they have in the archive."""
    spec = find_spec(name)
    assert spec is not None and spec.origin is not None  # noqa: S101 - the language server has imported it
    origin = Path(spec.origin)
    if origin.name != "__init__.py":
        yield origin, origin.name
        return
    root = origin.parent
    for path in sorted(root.rglob("*")):
        inside = path.relative_to(root)
        if path.is_file() and not LEFT_OUT & set(inside.parts) and path.suffix not in (".pyc", ".so", ".pyd"):
            yield path, f"{name}/{inside.as_posix()}"
