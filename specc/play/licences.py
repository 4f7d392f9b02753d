"""The licences of what a page of files holds: its bundle, packages of Python, copies of Pyodide and onnxruntime-web."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from importlib.metadata import Distribution, PackageNotFoundError, distribution, packages_distributions

RULE = f"\n{'-' * 80}\n\n"
_MIT = """\
Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""


def of_packages(modules: Sequence[str]) -> Iterator[str]:
    """A section for specc and for each package of Python that one of the modules belongs to."""
    owners = packages_distributions()
    names = sorted({name for module in modules for name in owners.get(module, ())})
    for name in ("specc-cnn", *names):
        try:
            yield _of_package(distribution(name))
        except PackageNotFoundError:
            continue  # specc out of a folder in which nobody has installed it


def _of_package(found: Distribution) -> str:
    told = found.metadata
    named = (told[key] for key in ("License-Expression", "License") if key in told)
    licence = next(named, "its licence stands below")
    files = [path for path in found.files or () if re.match(r"(licen[cs]e|copying|notice)", path.name, re.IGNORECASE)]
    texts = [path.read_text(encoding="utf-8").strip() for path in files if ".dist-info" in str(path)]
    return "\n\n".join([f"{told['Name']} {found.version} ({licence.splitlines()[0]})", *texts]) + "\n"


def of_pyodide(version: str, folder: str) -> str:
    """What is to be said of a copy of Pyodide, of which its own files say nothing."""
    return f"""\
pyodide {version} (MPL-2.0)

The files in {folder} are those of the npm package of this name and version, unchanged. Their source is at
https://github.com/pyodide/pyodide/tree/{version}, under the Mozilla Public License 2.0, which stands at
https://mozilla.org/MPL/2.0/. They hold CPython, Copyright (c) 2001 Python Software Foundation; All Rights Reserved,
under the license that stands above at typing_extensions; https://docs.python.org/3/license.html tells what CPython
holds of others.
"""


def of_onnxruntime(version: str, folder: str) -> str:
    """The same of a copy of onnxruntime-web."""
    return f"""\
onnxruntime-web {version} (MIT)

The files in {folder} are those of the npm package of this name and version, unchanged. What they hold of others is told
at https://github.com/microsoft/onnxruntime/blob/v{version}/ThirdPartyNotices.txt.

Copyright (c) Microsoft Corporation

{_MIT}"""
