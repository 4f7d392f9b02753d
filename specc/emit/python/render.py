"""The nodes of a class in, its text out: constructor and forward pass."""

from __future__ import annotations

from collections.abc import Mapping

from specc.emit.python import code
from specc.emit.python.code import Code
from specc.emit.python.constructor import Constructor
from specc.emit.python.drafts import ClassDraft, ClassParameter
from specc.emit.python.expressions import Expression
from specc.emit.python.forward import ForwardMethod
from specc.emit.python.frames import ClassFrame
from specc.emit.python.nodes import ChainNode, FactoryNode
from specc.emit.python.plan import ClassPlan
from specc.emit.python.told import same_size, told


def draft_class(
    name: str,
    block: str,
    node: ChainNode,
    frame: ClassFrame,
    factories: Mapping[str, ClassParameter],
    defaults: Mapping[str, FactoryNode],
    says: Expression | None,
) -> ClassDraft:
    """A class from what was walked.

    Args: block, the word that it is, empty for the network; factories, the parameters that make modules, by name;
          defaults, what they make where nothing is given; says, the channels that leave, where the class says them.
    """
    plan = ClassPlan(node, frame)
    made = Constructor(plan).write()
    if says is not None:
        made.append(f"        self.{OUT} = {code.flat(plan.express(says))}")
    arriving = told(frame, frame.arrives, same_size(len(frame.input)))
    run = ["", *ForwardMethod(plan, arriving).write()] if not plan.is_plain() else []
    worked_out = _worked_out(frame, plan)
    parameters = {}
    for parameter, offer in frame.offers.items():
        if parameter not in plan.used:
            continue
        default: Code | None = None if offer.default is None else plan.express(offer.default)
        default = "None" if offer.worked_out is not None else default
        factory = factories.get(parameter)
        if factory is not None:
            default = plan.express(defaults[parameter]) if parameter in defaults else None
        parameters[parameter] = (factory or ClassParameter())._replace(default=default)
    shared = set() if frame.is_root else set(frame.params.values())
    ordered = dict(sorted(parameters.items(), key=lambda pair: (pair[1].default is not None, pair[0] in shared)))
    lines = ("        super().__init__()", *worked_out, *plan.keeping(), *made, *run)
    base = "nn.Sequential" if plan.is_plain() else "nn.Module"
    shapes = f"{arriving} to {node.told}" if node.told else arriving
    words = frozenset((*plan.words, base))
    return ClassDraft(name, ordered, lines, base, words, block, shapes, tuple(plan.targets.values()))


OUT = "out_channels"  # as torch's convolutions have it


def _worked_out(frame: ClassFrame, plan: ClassPlan) -> list[str]:
    """The defaults that depend on other parameters, each where it is not given."""
    lines: list[str] = []
    for name in reversed(list(frame.offers)):
        expression = frame.offers[name].worked_out
        if expression is not None and name in plan.used:
            text = code.flat(plan.express(expression))
            lines.append(f"        {name} = {text} if {name} is None else {name}")
    return lines[::-1]
