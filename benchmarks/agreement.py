"""How often specc and torch agree: generated specs, no two alike, about each word of the
language as many, right and wrong ones.

    python benchmarks/agreement.py --examples 20000 --seed 1
    python benchmarks/agreement.py --words 100

The second form counts: specs about each word and form that the page has grown by last, until so many different ones
were accepted and so many refused at every rank, and prints a table.

Prints the verdicts, how often each layer was accepted and refused, and every disagreement with the smallest spec that
shows it. Exit status: 1 where there is a disagreement, or where a layer was seen too seldom.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections import Counter
from pathlib import Path
from unittest.mock import patch

import torch
from hypothesis import HealthCheck, Phase, assume, given, seed, settings

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from generate.agreement import Verdict, compare
from generate.counted import CELLS, COUNTED, RANKS, Cell, count
from generate.plan import Spec
from generate.specs import ABOUT, specs
from generate.words import LAYERS

from specc.fixes.search import SearchTime, advise

SEARCHING = 0.003  # seconds for suggestions, which have no say in a verdict
ADVISE = advise
LEAST = 100  # times that a long run accepts and refuses each layer
LONG = 20_000


class Tally:
    """What the run has seen so far."""

    def __init__(self) -> None:
        self.texts: set[str] = set()
        self.verdicts: Counter[str] = Counter()
        self.codes: Counter[str] = Counter()
        self.ranks: Counter[int] = Counter()
        self.accepted: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.disagreements: list[tuple[str, str]] = []

    def note(self, spec: Spec, verdict: Verdict) -> None:
        self.texts.add(spec.text)
        self.ranks[len(spec.input) - 1] += 1
        result = verdict.result
        if result.refused_at is None:
            self.verdicts["right"] += 1
            self.accepted.update({row.kind for row in result.rows})
            return
        in_shape = any(code.startswith("E3") for code in verdict.codes)
        self.verdicts["wrong in a shape" if in_shape else "wrong in a value"] += 1
        self.codes.update(set(verdict.codes))
        self.refused[result.refused_at] += 1

    @property
    def seldom(self) -> list[str]:
        """The layers that were accepted or refused too seldom for a long run."""
        return [word for word in LAYERS if min(self.accepted[word], self.refused[word]) < LEAST]


def run_about(word: str, examples: int, first: int, tally: Tally) -> None:
    """Specs about one word. A disagreement is minimised, noted, and ends them."""
    shown: list[tuple[str, str]] = []

    @seed(first)
    @settings(
        max_examples=examples, database=None, deadline=None, phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck), report_multiple_bugs=False, print_blob=False,
    )  # fmt: skip
    @given(specs(about=word))
    def agree(spec: Spec) -> None:
        assume(shown or spec.text not in tally.texts)
        verdict = compare(spec)
        if verdict.disagreement is not None:
            shown.append((spec.text, verdict.disagreement))
            raise AssertionError(verdict.disagreement)
        if not shown:  # what only minimises a disagreement is no example
            tally.note(spec, verdict)

    try:
        agree()
    except AssertionError:
        tally.disagreements.append(shown[-1])


def print_tally(tally: Tally, seconds: float) -> None:
    total = sum(tally.verdicts.values())
    print(f"\n{total:,} different specs in {seconds:,.0f} s")
    for name, counts in (("verdicts", tally.verdicts), ("codes", tally.codes), ("spatial dimensions", tally.ranks)):
        print(f"{name}: " + ", ".join(f"{key} {count:,}" for key, count in sorted(counts.items(), key=str)))
    print(f"\n{'':16} accepted  refused")
    for word in sorted({*tally.accepted, *tally.refused}):
        print(f"{word:16} {tally.accepted[word]:8} {tally.refused[word]:8}")
    print(f"\n{len(tally.disagreements)} disagreements")
    for text, disagreement in tally.disagreements:
        print(f"\n{text}\n{disagreement}")


def count_words(wanted: int) -> int:
    """Print how often each word was accepted and refused at each rank. Returns: the exit status."""
    begun, found = time.perf_counter(), {}
    for number, cell in enumerate(CELLS, 1):
        found[cell] = count(cell, wanted)
        print(f"{number:3}/{len(CELLS)} {cell}: {len(found[cell].texts)}", file=sys.stderr, flush=True)
    print(f"accepted / refused, of at least {wanted} wanted; - where torch accepts none")
    print(f"{'':22}" + "".join(f"{rank:>12}" for rank in RANKS))
    for about, (title, _) in COUNTED.items():
        pairs = [[found.get(Cell(about, rank, right)) for right in (True, False)] for rank in range(len(RANKS))]
        told = [" / ".join("-" if one is None else str(len(one.texts)) for one in pair) for pair in pairs]
        print(f"{title:22}" + "".join(f"{cell:>12}" for cell in told))
    wrong = {text: said for one in found.values() for text, said in one.disagreements.items()}
    print(f"{sum(len(one.texts) for one in found.values()):,} specs in {time.perf_counter() - begun:,.0f} s, "
          f"{len(wrong)} disagreements")  # fmt: skip
    for text, said in wrong.items():
        print(f"\n{text}\n{said}")
    return int(bool(wrong) or any(len(one.texts) < wanted for one in found.values()))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=LONG)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--words", type=int, metavar="N", help="count each word that is new to the page to N instead")
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # a warning of torch's is no error
    patch("specc.fixes.search.advise", lambda analysis, asked: ADVISE(analysis, asked, SearchTime(SEARCHING))).start()
    if options.words:
        return count_words(options.words)
    tally, begun = Tally(), time.perf_counter()
    for number, word in enumerate(ABOUT):
        share = options.examples // len(ABOUT) + (number < options.examples % len(ABOUT))
        run_about(word, share, options.seed, tally)
        print(f"{number + 1:3}/{len(ABOUT)} {word:16} {sum(tally.verdicts.values()):7,} specs", file=sys.stderr)
    print_tally(tally, time.perf_counter() - begun)
    if options.examples >= LONG and tally.seldom:
        print(f"seen too seldom: {', '.join(tally.seldom)}")
        return 1
    return 1 if tally.disagreements else 0


if __name__ == "__main__":
    sys.exit(main())
