"""How often specc is right: very many specs against torch, and hostile texts, in runs that may be broken off.

    python benchmarks/trust.py FOLDER [--kind page|first|hostile] [--trials 1000000] [--workers 1]
    python benchmarks/trust.py FOLDER --table

`page` holds the checker and the compiled module against the meaning that `tests/generate_from_page` works out from the
language page alone: verdict, output, rows, parameters, names, first values, and what comes out with the same weights.
`first` does so with the specs and the reference of `tests/generate`, as `benchmarks/agreement.py` does. `hostile` feeds
the bombs and mutated texts of `benchmarks/fuzz.py` to the commands.

FOLDER holds a log for each kind: a line for every batch that is done, with its counts and what was found. The same
command goes on behind what is noted there, after Ctrl-C and after a kill alike. A worker ends after some batches, so
that what libraries keep does not pile up; a batch in which a worker dies twice is noted as a finding.

Exit status: 1 where something was found.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

sys.path[:0] = [str(Path(__file__).resolve().parent.parent / "tests"), str(Path(__file__).resolve().parent)]

BATCHES_OF_A_WORKER = 25
SEARCHING = 0.003  # seconds for suggestions, which have no say in a verdict
MEMORY = 6 * 2**30  # bytes of addresses for a worker; torch alone takes some 3
SHOWN = 10  # findings in the table


class Batch(NamedTuple):
    """What came of some trials: counts by `word|rank|right`, and what was found, with the smallest text."""

    trials: int
    counts: dict[str, int]
    findings: list[tuple[str, str]]


def page(number: int) -> Batch:
    from generate_from_page.compare import trial

    counts: Counter[str] = Counter()
    findings = []
    for seed in range(number * KINDS["page"].size, (number + 1) * KINDS["page"].size):
        outcome = trial(seed)
        verdict = "right" if outcome.right else "wrong"
        counts.update(f"{word}|{outcome.rank}|{verdict}" for word in {*outcome.words, ALL})
        if outcome.disagreement:
            findings.append((f"{seed}: {outcome.disagreement}", outcome.text))
    return Batch(KINDS["page"].size, dict(counts), findings)


def first(number: int) -> Batch:
    from agreement import Tally, run_about
    from generate.specs import ABOUT

    tally = Tally()
    run_about(ABOUT[number % len(ABOUT)], KINDS["first"].size, number, tally)
    counts = Counter({f"{ALL}|{rank}|": count for rank, count in tally.ranks.items()})
    for verdict, words in (("right", tally.accepted), ("wrong", tally.refused)):
        counts.update({f"{word}||{verdict}": count for word, count in words.items()})
    for name, count in tally.verdicts.items():  # wrong in a shape, or in a value
        counts[f"{ALL}||{name.split()[0]}"] += count
    return Batch(sum(tally.verdicts.values()), dict(counts), [(said, text) for text, said in tally.disagreements])


def hostile(number: int) -> Batch:
    from fuzz import BATCH, run_batch

    _, found = run_batch(number)
    return Batch(BATCH, {}, [(f"{one.command}: {one.what}", one.data.decode("latin-1")) for one in found])


class Kind(NamedTuple):
    run: Callable[[int], Batch]
    size: int  # trials of a batch, as many as take some seconds


ALL = "all"
KINDS = {"page": Kind(page, 200), "first": Kind(first, 100), "hostile": Kind(hostile, 50)}


def worker(kind: str) -> None:
    """What a worker does first: it bounds itself, and spends little on suggestions where verdicts are compared."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    if kind == "hostile":
        return
    import warnings

    import torch

    from specc.fixes import search

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # a warning of torch's is no error
    advise = search.advise
    patch(
        "specc.fixes.search.advise", lambda analysis, asked: advise(analysis, asked, search.SearchTime(SEARCHING))
    ).start()


def run(kind: str, number: int) -> Batch:
    return KINDS[kind].run(number)


def results(kind: str, numbers: list[int], workers: int) -> Iterator[tuple[int, Batch]]:
    """The batches as they are done. Where a worker dies those under way are tried again, each by itself."""
    alone: list[int] = []
    while numbers or alone:
        several = not alone
        queue, count = (numbers, workers) if several else ([alone.pop()], 1)
        done: set[int] = set()
        try:
            for number, batch in pooled(kind, list(queue), count):
                done.add(number)
                yield number, batch
            numbers = [] if several else numbers
        except BrokenProcessPool:
            left = [number for number in queue if number not in done]
            if several:
                alone, numbers = left[: 2 * workers], left[2 * workers :]
            else:
                yield queue[0], Batch(0, {}, [(f"batch {queue[0]}: the worker died", "")])


def pooled(kind: str, numbers: list[int], workers: int) -> Iterator[tuple[int, Batch]]:
    """The batches of these numbers, no more of them under way than twice the workers."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, worker, (kind,), max_tasks_per_child=BATCHES_OF_A_WORKER) as pool:
        under_way: dict[Future[Batch], int] = {}
        numbers.reverse()
        try:
            while numbers or under_way:
                while numbers and len(under_way) < 2 * workers:
                    number = numbers.pop()
                    under_way[pool.submit(run, kind, number)] = number
                for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                    yield under_way.pop(future), future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


# The log


def noted(log: Path) -> dict[int, Batch]:
    """The batches that a log says are done; a line that a kill cut off is none."""
    found: dict[int, Batch] = {}
    for line in log.read_text(encoding="utf-8").splitlines() if log.exists() else []:
        try:
            number, *batch = json.loads(line)
            found[number] = Batch(*batch)
        except (ValueError, TypeError):
            continue
    return found


def note(log: Path, number: int, batch: Batch) -> None:
    """Appends a line, on a line of its own also behind one that was cut off."""
    torn = log.exists() and log.read_bytes()[-1:] not in (b"", b"\n")
    with log.open("a", encoding="utf-8") as file:
        file.write(("\n" if torn else "") + json.dumps([number, *batch]) + "\n")


def told(kind: str, batches: dict[int, Batch]) -> str:
    """The table: how many specs with each word were right and wrong, by the rank of the input where that is known."""
    trials = sum(batch.trials for batch in batches.values())
    findings = [finding for batch in batches.values() for finding in batch.findings]
    lines = [f"{kind}: {trials:,} trials in {len(batches):,} batches, {len(findings)} findings"]
    counts: Counter[tuple[str, ...]] = Counter()
    for batch in batches.values():
        counts.update({tuple(key.split("|")): count for key, count in batch.counts.items()})
    columns = sorted({(rank, verdict) for _, rank, verdict in counts})
    if counts:
        lines.append(f"{'':18}" + "".join(f"{' '.join(column).strip():>12}" for column in columns))
    for word in sorted({key[0] for key in counts}, key=lambda word: (word != ALL, word)):
        lines.append(f"{word:18}" + "".join(f"{counts[word, *column]:12,}" for column in columns))
    for what, text in findings[:SHOWN]:
        lines.append(f"\n{what[:400]}\n{text[:1000]}")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kind", choices=KINDS, default="page")
    parser.add_argument("--trials", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--table", action="store_true", help="print what is noted and end")
    options = parser.parse_args()
    if options.table:
        for kind in KINDS:
            print(told(kind, noted(options.folder / f"{kind}.jsonl")))
        return 0
    options.folder.mkdir(parents=True, exist_ok=True)
    log = options.folder / f"{options.kind}.jsonl"
    batches, begun, trials = noted(log), time.perf_counter(), 0
    left = [n for n in range(-(-options.trials // KINDS[options.kind].size)) if n not in batches]
    try:
        for number, batch in results(options.kind, left, options.workers):
            note(log, number, batch)
            batches[number] = batch
            trials += batch.trials
            pace = trials / (time.perf_counter() - begun)
            print(f"\r{len(batches):,} batches, {pace:.1f} trials a second ", end="", file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        print("\nbroken off; the same command goes on", file=sys.stderr)
    print("\n" + told(options.kind, batches))
    return int(any(batch.findings for batch in batches.values()))


if __name__ == "__main__":
    sys.exit(main())
