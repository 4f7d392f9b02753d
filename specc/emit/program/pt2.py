"""torch's own exported program: the graph and the weights in one file, for any batch size."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING

from specc.diagnostics.diagnostic import Problem
from specc.emit.program.compared import Exported, Given, reason, require_equal
from specc.emit.program.quiet import quiet

if TYPE_CHECKING:
    from torch import nn


def write_pt2(network: nn.Module, given: Given, metadata: Mapping[str, str]) -> Exported:
    """A network as the content of a `.pt2` file, loaded again and compared.

    Args:   network, in evaluation mode; given, what it takes; metadata, texts that the file carries, by name.
    Raises: Problem E662 where it gives another output, E663 where torch cannot export it.
    """
    import torch

    file = io.BytesIO()
    with quiet():
        try:
            batch = torch.export.Dim("batch", min=1)
            program = torch.export.export(network, (given.batch(2),), dynamic_shapes=({0: batch},))
            torch.export.save(program, file, extra_files=dict(metadata))
        except Exception as error:  # of any kind: it is told in torch's own words
            raise Problem.of("E663", f"torch cannot export this network: {reason(error)}") from error
        loaded = torch.export.load(io.BytesIO(file.getvalue())).module()
        difference = require_equal(network, loaded, given, "`.pt2` program")
    return Exported(file.getvalue(), difference)
