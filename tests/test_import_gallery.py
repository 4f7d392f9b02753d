"""How far an imported spec is from the gallery's, which people wrote: the steps that differ, names apart."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

import pytest

from specc.exchange.importing.importer import import_source
from specc.gallery import entry

# Of each network the gallery's spec, which differs from the imported one in names alone.
APART = [
    ("resnet50", "classics/resnet50"),
    ("densenet121", "more/densenet121"),
    ("convnext_tiny", "more/convnext_tiny"),
    ("regnet_y_400mf", "more/regnet_y_400mf"),
    ("mobilenet_v3_large", "more/mobilenet_v3_large"),
    ("efficientnet_v2_s", "more/efficientnet_v2_s"),
]
SIDE = 64  # of the pictures: it changes no step


def with_values(text: str) -> str:
    """A spec without remarks, notes and parameters of the file, whose values stand in their place.

    Neither the usual value that is told nor the key of the first argument makes a difference.
    """
    lines = [re.sub(r"\s*(#|::).*", "", line) for line in text.splitlines()]
    values = dict(re.findall(r"^param (\w+) = (\S+)$", "\n".join(lines), re.MULTILINE))
    body = "\n".join(line for line in lines if not line.startswith(("param", "input")))
    body = re.sub(r"\b(\w+)\b(?!=)", lambda word: values.get(word[0], word[0]), body)
    body = re.sub(r"\((\d+)\*(\d+)\)", lambda pair: str(int(pair[1]) * int(pair[2])), body)
    return re.sub(r" gamma=1\b|(?<=layerscale) 1e-6", "", re.sub(r"\bdwconv k(=|(?=\d))", "dwconv ", body))


def steps(text: str) -> list[str]:
    """A spec with a step a line, blocks and their parameters called by their place."""
    body = with_values(text)
    heads = re.findall(r"^block (\w+)(?:\((.*?)\))? \{", body, re.MULTILINE)
    for number, (name, _) in enumerate(heads, start=1):
        body = re.sub(rf"(?<!\.)\b{name}\b(?!=)", f"block{number}", body)
    return [step for part in re.split(r"^(?=block )", body, flags=re.MULTILINE) for step in written(part)]


def written(part: str) -> Iterator[str]:
    """The steps of a block, or of the chain behind the last one."""
    head = re.match(r"block \w+\((.*)\) \{", part)
    for number, one in enumerate(re.findall(r"(\w+)(?:=\([^)]*\)|=\w+)?(?:, |$)", head[1]) if head else [], start=1):
        part = re.sub(rf"\b{one}\b", f"p{number}", part)
    for step in re.split(r"->|\n|(?<=[{|])|(?=[}|])", part):
        if step.strip():
            yield re.sub(r"^(block\d+ .*)", lambda call: re.sub(r" (?!x=)\w+=", " ", call[1]), " ".join(step.split()))


def differing(ours: str, theirs: str) -> list[str]:
    """The lines of a comparison that only one of two specs has."""
    compared = difflib.unified_diff(steps(theirs), steps(ours), lineterm="", n=0)
    return [line for line in compared if line[0] in "+-" and not line.startswith(("+++", "---"))]


@pytest.mark.parametrize(("name", "own"), APART, ids=[name for name, _ in APART])
def test_what_is_imported_is_written_as_in_the_gallery(name: str, own: str) -> None:
    found = import_source(f"torchvision:{name}", (3, SIDE, SIDE))
    apart = differing(found.text, entry(own).source.text)
    assert not apart, "\n".join([f"{len(apart)} steps differ", *apart, "", found.text])


def test_names_alone_are_no_difference() -> None:
    ours = "# a\ninput 3x8x8\n\nblock unit(c) { conv c k3 -> bn }\n\nunit 8 -> unit 16\n"
    theirs = "param width = 8\ninput 3x8x8\nblock cb(out) {\n  conv out k3\n  bn  # why\n}\ncb width\ncb (2*width)\n"
    assert differing(ours, theirs) == []
    assert differing(ours, theirs.replace("k3", "k5")) == ["-conv p1 k5", "+conv p1 k3"]
