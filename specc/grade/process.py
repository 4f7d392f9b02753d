"""A process for each submission, which can neither take long nor take much, nor take the others down with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress

from pydantic import ValidationError

from specc.grade.mark import MarkingJob, SubmissionMark

LONGEST = 8 << 20  # bytes of an answer


def marked_apart(asked: MarkingJob) -> SubmissionMark:
    """The mark, also where the process was ended: then why. Raises: KeyboardInterrupt, with the process gone."""
    command = [sys.executable, "-m", "specc.grade.marking"]
    with subprocess.Popen(  # noqa: S603 - our own module; what students wrote is its input
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        try:
            answer, _ = process.communicate(asked.model_dump_json().encode(), timeout=asked.seconds)
        except subprocess.TimeoutExpired:
            _end(process)
            return SubmissionMark(state="stopped", note=f"it took more than {asked.seconds} seconds, and was stopped")
        except BaseException:
            _end(process)
            raise
    return _answered(answer, process.returncode)


def _answered(answer: bytes, status: int) -> SubmissionMark:
    if status == 0 and len(answer) <= LONGEST:
        with suppress(ValidationError):
            return SubmissionMark.model_validate_json(answer)
    if status < 0:
        name = signal.strsignal(-status) or f"signal {-status}"
        why = f"its process was ended ({name}): most often it took too much memory or time"
        return SubmissionMark(state="stopped", note=why)
    return SubmissionMark(state="failed", note="its process ended without an answer: most often for want of memory")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends a process with those that it has started."""
    with suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()
