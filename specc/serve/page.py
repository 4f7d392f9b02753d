"""The page that says how a served network is asked."""

from __future__ import annotations

from html import escape

from specc.evaluate.trained import Trained
from specc.tasks.names import LEARNED

MOST_NAMED = 50

_PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>{name}</title>
<style>
body {{ font: 16px/1.5 sans-serif; max-width: 42em; margin: 3em auto; padding: 0 1em; color: #1c2127 }}
pre {{ background: #f3f5f7; padding: 1em; overflow-x: auto }}
</style>
<h1>{name}</h1>
<p>{what}. {classes}</p>
<p>Send a picture to <code>/</code>, as it is or as a form's file; JSON comes back, as <code>specc predict --format
json</code> prints it.</p>
<pre>curl --data-binary @picture.jpg {url}
curl -F picture=@picture.jpg '{url}?top=3&amp;invert=1'</pre>
<p><code>top</code> is how many classes are told, <code>invert</code> swaps dark and light.
At most {size} MB and {pixels} million pixels. <a href="/healthz">/healthz</a> tells that the server is there.</p>
</html>
"""


def page_of(trained: Trained, url: str, size: int, pixels: int) -> str:
    """HTML. Args: url, where the server is; size, bytes of a request; pixels, of a picture."""
    names = trained.data.classes
    more = f" and {len(names) - MOST_NAMED:,} more" if len(names) > MOST_NAMED else ""
    listed = f"It knows {escape(', '.join(names[:MOST_NAMED]))}{more}." if names else ""
    return _PAGE.format(
        name=escape(trained.name), what=escape(f"This network tells {LEARNED[trained.task.keyword]}"), classes=listed,
        url=escape(url), size=size >> 20, pixels=round(pixels / 1e6),
    )  # fmt: skip
