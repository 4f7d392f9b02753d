"""The outputs that a recipe's `heads` names, looked up among those of the network."""

from __future__ import annotations

from specc.diagnostics.diagnostic import Diagnostic
from specc.diagnostics.proposal import renamed
from specc.ir.model import BrokenStep, Chain, FormStep
from specc.source import Source
from specc.syntax import tree
from specc.tasks.heads import weights_of_heads, wrong_head


def wrong_heads(heads: str, train: tree.Train, network: Chain, source: Source) -> Diagnostic | None:
    """What is wrong with the names; None where nothing is, or the network's last step is not known.

    Args: heads, as the recipe has them; train, which says them.
    """
    last = network.steps[-1] if network.steps else None
    if last is None or isinstance(last, BrokenStep):
        return None
    outputs = [name.text for name in last.names] if isinstance(last, FormStep) else []
    wrong = wrong_head(weights_of_heads(heads), outputs)
    if wrong is None:
        return None
    setting = next(one for one in train.settings if one.name.text == "heads")
    said = [one.key for one in setting.arguments if isinstance(one, tree.Keyword) and one.key.text == wrong.name]
    if not said:  # all of it is at fault, or it is a text in quotes
        return Diagnostic("E720", wrong.message, source, setting.span, help=wrong.help)
    help, proposals = renamed(wrong.guess, wrong.help)
    return Diagnostic("E720", wrong.message, source, said[-1].span, help=help, proposals=proposals)
