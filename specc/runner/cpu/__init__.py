"""Tricks for CPUs, each of which can be switched off, and be removed without a trace.

The runner knows `door` and `process` of this folder, and nothing else of it. `SPECC_WITHOUT=order,pages` in the
environment switches off what it names; `benchmarks/tricks.py` measures each so. To remove one, delete

    order      `arranged` and what follows it in `door.py`, and its call
    spinning   `limit_spinning` in `process.py`, and its calls
    pages      `keep_pages` in `process.py`, and its call
    optimizer  `leave_compiler_alone` and `step_of` in `process.py`: `loop.py` takes `optimizer.step`

with its row in the table of `process.py`, which nothing else does.
"""
