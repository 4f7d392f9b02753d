"""Reports that a person has read, as files in `tests/cases/golden`.

After a change that is meant, write them anew and read the difference:

    UPDATE_GOLDEN=1 pytest tests/test_render.py tests/test_lints.py tests/test_run_codes.py
"""

from __future__ import annotations

import os
from pathlib import Path

GOLDEN = Path(__file__).parent / "cases" / "golden"


def agrees(name: str, text: str) -> None:
    """Compares a text with its file, or writes the file where that is asked for."""
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text + "\n", encoding="utf-8", newline="\n")
    assert path.exists(), f"{path.name} is missing: UPDATE_GOLDEN=1 writes it"
    assert text + "\n" == path.read_text(encoding="utf-8")
