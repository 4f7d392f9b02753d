"""Text as LaTeX prints it, whatever stands in it."""

from __future__ import annotations

# What LaTeX, or a package that makes a character active, reads as something else; and signs that its fonts lack.
_SIGNS = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "_": r"\_", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\char34{}", "×": r"$\times$", "…": r"\dots{}", "→": r"$\to$", "−": r"$-$",
    "`": r"\textasciigrave{}", "·": r"$\cdot$", "√": r"$\surd$", "–": "--",
}  # fmt: skip


def in_latex(text: str) -> str:
    """A text in one line; what cannot be printed is `?`.

    >>> in_latex("basic1…2.conv_1 25 %")
    'basic1\\\\dots{}2.conv\\\\_1 25 \\\\%'
    """
    return "".join(_SIGNS.get(char, char if char.isprintable() else "?") for char in text)
