"""Two specs are one network where they are built alike, and another one where a layer or a name differs."""

from __future__ import annotations

import pytest

from specc.gallery import entries
from specc.ir.analysis.compare import same_network
from specc.ir.shaped import ShapedModel
from specc.pipeline import analyse
from specc.source import Source
from specc.syntax.format import format_source


def model_of(text: str) -> ShapedModel:
    analysis = analyse(Source("net.cnn", text), None if "input" in text else (3, 32, 32))
    assert analysis.model is not None
    return analysis.model


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.name)
def test_a_formatted_spec_of_the_gallery_is_the_same(entry: object) -> None:
    text = "# a comment\n" + getattr(entry, "text")  # noqa: B009
    formatted = format_source(Source("net.cnn", text)).text
    assert formatted is not None
    assert same_network(model_of(text), model_of(formatted))


def test_shared_blocks_are_looked_at_once() -> None:
    """Twenty levels of two calls each are a million steps, and twenty nodes."""
    lines = ["block b0(c) { relu }", *(f"block b{n}(c) {{ b{n - 1} c -> b{n - 1} c }}" for n in range(1, 17))]
    text = "\n".join(["input 3x8x8", *lines, "b16 3"])
    assert same_network(model_of(text), model_of(text + "\n# the same"))
    assert not same_network(model_of(text), model_of(text.replace("{ relu }", "{ elu }")))
