"""torch's own exported program: the graph and the weights in one file, for any batch size."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from specc.diagnostics.diagnostic import Problem
from specc.emit.program.compared import Exported, reason, require_equal
from specc.emit.program.quiet import quiet

if TYPE_CHECKING:
    from torch import nn

SPEC = "spec.cnn"  # the name of the spec's text among the file's extra files


def write_pt2(network: nn.Module, input: tuple[int, ...], spec: str) -> Exported:
    """A network as the content of a `.pt2` file, loaded again and compared.

    Args:   network, in evaluation mode; input, the shape of one sample; spec, its text, kept in the file.
    Raises: Problem E662 where it gives another output, E663 where torch cannot export it.
    """
    import torch

    file = io.BytesIO()
    with quiet():
        try:
            batch = torch.export.Dim("batch", min=1)
            program = torch.export.export(network, (torch.rand(2, *input),), dynamic_shapes=({0: batch},))
            torch.export.save(program, file, extra_files={SPEC: spec})
        except Exception as error:  # of any kind: it is told in torch's own words
            raise Problem.of("E663", f"torch cannot export this network: {reason(error)}") from error
        loaded = torch.export.load(io.BytesIO(file.getvalue())).module()
        difference = require_equal(network, loaded, input, "`.pt2` program")
    return Exported(file.getvalue(), difference)
