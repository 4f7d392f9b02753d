"""The confusion matrix and the scores of each class: a table while it can be read, a picture for many classes."""

from __future__ import annotations

from base64 import b64encode
from html import escape
from io import BytesIO

from specc.diagnostics.spelling import counted
from specc.report.confusion import Confusion, shares
from specc.report.table import share_text, table

MOST = 20  # classes up to which every number is shown
NAMED = 20  # mistakes that are listed for more classes
DEEP = 55  # percent of colour from which white is read better


def matrix_of(confusion: Confusion) -> str:
    """The section about classes."""
    few = len(confusion.classes) <= MOST
    said = "Rows are the true classes, columns the answers."
    inner = _as_table(confusion) if few else _as_picture(confusion)
    scores = _scores(confusion)
    if not few:
        scores = f"<details><summary>Every class</summary>\n{scores}</details>"
    sides = f'<div class="sides">\n{inner}\n{scores}\n</div>' if few else f"{inner}\n{scores}"
    return f'<h2>Classes</h2>\n<p class="soft">{said}</p>\n{sides}'


def _as_table(confusion: Confusion) -> str:
    heads = "".join(f'<th scope="col">{escape(_short(name))}</th>' for name in confusion.classes)
    rows = []
    for true, (name, row) in enumerate(zip(confusion.classes, confusion.counts, strict=True)):
        pairs = enumerate(zip(row, shares(row), strict=True))
        cells = "".join(_cell(count, share, true == column) for column, (count, share) in pairs)
        rows.append(f'<tr><th scope="row">{escape(name)}</th>{cells}</tr>')
    body = "\n".join(rows)
    head = f"<thead><tr><td></td>{heads}</tr></thead>"
    return f'<div class="scroll"><table class="matrix">\n{head}\n<tbody>\n{body}\n</tbody></table></div>'


def _cell(count: int, share: float, right: bool) -> str:
    """A mistake is coloured more strongly than its share: one in twenty has to be seen."""
    colour = round(100 * (share if right else min(1, 4 * share)) * 0.9)
    kinds = [*["hit"] * right, *["deep"] * (colour > DEEP), *["none"] * (not count)]
    return f'<td class="{" ".join(kinds)}" style="--p:{colour}">{count}</td>'


def _short(name: str) -> str:
    return name if len(name) <= 9 else f"{name[:8]}…"


def _as_picture(confusion: Confusion) -> str:
    classes = counted(len(confusion.classes), "class")
    said = f"Confusion matrix of {classes}, {share_text(confusion.accuracy)} on the diagonal"
    image = f'<img class="heat" alt="{said}" src="data:image/png;base64,{b64encode(_heat(confusion)).decode()}">'
    rows = [
        [one.true, one.predicted, str(one.pictures), share_text(one.share)] for one in confusion.most_frequent(NAMED)
    ]
    mistakes = table(["true class", "answer", "pictures", "of the class"], rows)
    return (
        f'<div class="sides"><div>{image}</div><div class="text2"><h3>Commonest mistakes</h3>\n{mistakes}</div></div>'
    )


def _heat(confusion: Confusion) -> bytes:
    """A pixel for each pair of classes: blue on the diagonal, red beside it."""
    from PIL import Image

    size = len(confusion.classes)
    pixels = bytearray()
    for true, row in enumerate(confusion.counts):
        for column, share in enumerate(shares(row)):
            strong, ink = (share, (11, 98, 196)) if true == column else (min(1, 4 * share), (196, 50, 11))
            pixels += bytes(round(255 - (255 - part) * strong) for part in ink)
    content = BytesIO()
    Image.frombytes("RGB", (size, size), bytes(pixels)).save(content, "PNG")
    return content.getvalue()


def _scores(confusion: Confusion) -> str:
    rows = "\n".join(
        f'<tr><th scope="row">{escape(one.name)}</th><td>{one.pictures:,}</td><td>{share_text(one.precision)}</td>'
        f"<td>{share_text(one.recall)}</td><td>{_bar(one.recall)}</td></tr>"
        for one in confusion.by_class()
    )
    heads = "".join(f'<th scope="col">{name}</th>' for name in ("class", "pictures", "precision", "recall", ""))
    return f'<div class="scroll"><table>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>'


def _bar(share: float | None) -> str:
    return f'<span class="bar" aria-hidden="true"><i style="width:{100 * (share or 0):.1f}%"></i></span>'
