"""`specc check --sizes` beside trying every size: agreement and time for each spec of the gallery.

    python benchmarks/sizes.py --most 256

Exit status: 1 where they disagree on a size, or where a spec of the gallery takes more than a second for 1 to 1024.
"""

from __future__ import annotations

import argparse
import sys
import time

from specc.gallery import entries
from specc.ir.analysis.axis import loses_pixels
from specc.ir.analysis.sizes import Taken, sizes_of
from specc.ir.analysis.unchecked import unchecked
from specc.ir.shapes.infer import infer
from specc.pipeline import Analysis, analyse

BOUND = 1.0  # seconds


def tried(analysis: Analysis, most: int) -> Taken:
    """Every square from 1 to `most`, one by one, through the whole checker."""
    model = unchecked(analysis.resolved)
    assert model.input is not None
    channels, rank = model.input[0], len(model.input) - 1
    shaped = {side: infer(model._replace(input=(channels, *(side,) * rank)))[0] for side in range(1, most + 1)}
    taken = {side: loses_pixels(found.chain) for side, found in shaped.items() if found is not None}
    return Taken(tuple(taken), tuple(side for side, loses in taken.items() if not loses))


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--most", type=int, default=256, help="the largest side that is tried")
    most = options.parse_args().most
    wrong = 0
    for spec in entries():
        analysis = analyse(spec.source)
        started = time.perf_counter()
        found = sizes_of(analysis.resolved, analysis.model)
        seconds = time.perf_counter() - started
        if found is None:
            print(f"{spec.name:32} a vector has no sizes")
            continue
        agrees = sizes_of(analysis.resolved, analysis.model, most).squares == tried(analysis, most)  # type: ignore[union-attr]
        slow = seconds > BOUND
        wrong += slow or not agrees
        verdict = f"{'agrees' if agrees else 'DISAGREES'}{', SLOW' if slow else ''}"
        print(f"{spec.name:32} {1000 * seconds:6.0f} ms for 1 to {found.most}; 1 to {most}: {verdict}", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
