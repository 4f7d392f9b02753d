"""What left labelled steps, for the branches that go on from there.

Part of `ir.infer`: it knows names and shapes, and nothing of how a chain is walked. A block's body begins with no
chain around; labels of its own are all that it sees.
"""

from __future__ import annotations

from specc.diagnostics.spelling import counted
from specc.ir.model import SomeStep
from specc.ir.names.labels import Chains, numbered
from specc.ir.shaped import From
from specc.ir.shapes.findings import Arriving, Findings
from specc.syntax import tree


class Kept:
    """The labels of one chain so far.

    left: by module name, what left that step; last: by label, the name of its last repeat, None where there is none;
    counts: of repeated labels, how often they are built; used: the names that something goes on from; borrows: whether
    something in the chain goes on from a step outside of it.
    """

    def __init__(self) -> None:
        self.left: dict[str, Arriving] = {}
        self.last: dict[str, str | None] = {}
        self.counts: dict[str, int] = {}
        self.used: set[str] = set()
        self.borrows = False

    def note(self, step: SomeStep, label: str, leaving: list[tuple[str, Arriving]]) -> None:
        """A labelled step has ended; leaving: the name of its module, and what left it, for each repeat."""
        self.last[label] = leaving[-1][0] if leaving else None
        self.left |= dict(leaving)
        if step.repeat is not None:
            self.counts[label] = len(leaving)

    def name_of(self, label: str) -> str | None:
        """The module that a label means; None where it means none of this chain."""
        name = self.last.get(label, label)
        return name if name in self.left else None

    def lacks(self, label: str) -> tuple[str, int] | None:
        """A label of this chain that is built too seldom to be meant, and how often."""
        stems = [label, *(stem for stem, _ in numbered(label))]
        return next(((stem, self.counts[stem]) for stem in stems if stem in self.counts), None)


class KeptLabels(Chains[Kept]):
    """What left the labelled steps of the chains around."""

    def __init__(self, findings: Findings) -> None:
        super().__init__(Kept)
        self.findings = findings

    def find(self, label: tree.Word) -> tuple[From | None, Arriving]:
        """The step that a label means here, and what left it; None and unknown where there is none (reported)."""
        for above, kept in enumerate(reversed(self.chains)):
            name = kept.name_of(label.text)
            if name is not None:
                kept.used.add(name)
                for inner in self.chains[len(self.chains) - above :]:
                    inner.borrows = True
                return From(name, above), kept.left[name]
            if label.text in kept.last:
                break
        self._report_missing(label)
        return None, Arriving(None)

    def _report_missing(self, label: tree.Word) -> None:
        found = next(filter(None, (kept.lacks(label.text) for kept in reversed(self.chains))), None)
        if found is None:
            message, help = (
                f"`{label.text}` cannot be seen here",
                "a label is seen in its own chain, and in braces there",
            )
        elif found[1] == 0:
            message, help = f"`{found[0]}` is built 0 times here, so nothing leaves it", "go on from the step before it"
        else:
            message = f"`{found[0]}` is built {counted(found[1], 'time')} here, so there is no `{label.text}`"
            help = f"the last one is `{found[0]}{found[1]}`"
        self.findings.report("E223", message, label.span, help=help)
