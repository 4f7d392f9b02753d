"""Commands as a reader of the documentation types them, in this process where that is the same."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir, suppress
from pathlib import Path

from click.testing import CliRunner

from specc.cli import main

Done = subprocess.CompletedProcess[str]

FOR_A_SHELL = set("|<>*?&;~$")


def specc(*arguments: str, cwd: Path, stdin: str | bytes = "", **environment: str) -> Done:
    """`specc` in this process: a new one takes a third of a second, and two more where it imports torch.

    What a process has of its own is for `in_a_shell`: signals, the streams' encodings, what is imported.
    """
    plain = {"NO_COLOR": None, "FORCE_COLOR": None, **environment}
    with chdir(cwd):
        done = CliRunner(env=plain).invoke(main, arguments, input=stdin, catch_exceptions=False)
    return Done(arguments, done.exit_code, done.stdout, done.stderr)


def on_a_terminal(line: str, folder: Path, **environment: str) -> Done:
    """A line as somebody types it who sees both streams on one terminal, without colours."""
    import pty

    master, terminal = pty.openpty()
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    plain = {**os.environ, "PATH": path, "NO_COLOR": "1", **environment}
    with subprocess.Popen(line, shell=True, cwd=folder, env=plain, stdout=terminal, stderr=terminal) as process:
        os.close(terminal)
        seen = b"".join(_read(master))
    os.close(master)
    return Done(line, process.returncode, seen.decode().replace("\r\n", "\n"), "")


def _read(master: int) -> Iterator[bytes]:
    """What is printed until the other end is closed, which Linux tells as an error."""
    with suppress(OSError):
        while data := os.read(master, 4096):
            yield data


def typed(line: str, folder: Path, **environment: str) -> Done:
    """A line of a page; what needs a shell gets one."""
    words = shlex.split(line, comments=True)
    if words[0] != "specc" or FOR_A_SHELL & set(line.partition(" #")[0]):
        return in_a_shell(line, folder, **environment)
    return specc(*words[1:], cwd=folder, **environment)


def in_a_shell(line: str, folder: Path, **environment: str) -> Done:
    """A line in a shell, with this interpreter's `specc`."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        line, shell=True, cwd=folder, env={**os.environ, "PATH": path, **environment}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


def ran(code: str, folder: Path) -> None:
    """A Python example, in the folder of its reader."""
    with chdir(folder):
        exec(compile(code, "example.py", "exec"), {"__name__": "__main__"})
