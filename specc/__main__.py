"""`python -m specc`, which is also what `torchrun -m specc` starts."""

import os
import sys
from contextlib import suppress

from specc.cli import main


def _leave(status: int) -> None:
    """End a process of several that train together: what is to be done at an exit is done, then it is gone.

    gloo's threads live as long as the process, torch gives no way to end them. One that lets go of a tensor while the
    interpreter is taken down cannot get its lock any more, and then aborts a run that has long been finished.
    """
    import atexit

    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # nobody reads it any more
            stream.flush()
    os._exit(status)


if __name__ == "__main__":
    try:
        main(prog_name="specc")
    except SystemExit as ended:
        if "RANK" in os.environ and isinstance(ended.code, int):
            _leave(ended.code)
        raise
