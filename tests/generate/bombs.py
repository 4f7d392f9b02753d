"""Texts of a given length that grow where they are read: by nesting, doubling, length, repeats and number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count

LENGTH = 30_000  # characters

HEAD = "input 8x32x32\n"


def _filled(lines: Iterable[str], length: int, head: str = HEAD, tail: str = "") -> str:
    """As many of the lines as have room between the head and the tail."""
    chosen, room = [], length - len(head) - len(tail)
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            break
        chosen.append(f"{line}\n")
    return "".join([head, *chosen, tail])


def _repeated(piece: str, length: int, head: str = "", tail: str = "") -> str:
    return head + piece * max(1, (length - len(head) - len(tail)) // len(piece)) + tail


def _doubled(first: str, line: str, last: str, levels: int) -> Iterator[str]:
    """`first` for level 0, then `line` with each level's number, `n`, and that of the one before, `m`; then `last`."""
    yield first
    for n in range(1, levels + 1):
        yield line.format(n=n, m=n - 1)
    yield last.format(n=levels)


def _numbered(line: str) -> Iterator[str]:
    return (line.format(n=n, m=n - 1) for n in count(1))


def bombs(length: int = LENGTH) -> dict[str, str]:
    """By what they are called, texts of about that length."""
    families = (_of_blocks, _of_repeats, _of_values, _of_lengths, _of_mistakes, _of_branches, _of_characters)
    return dict(bomb for family in families for bomb in family(length))


def _of_blocks(length: int) -> Iterator[tuple[str, str]]:
    for levels in (16, 40, 62):
        yield f"empty blocks {levels}", _filled(
            _doubled("block b0 { relu x0 }", "block b{n} {{ b{m} x2 }}", "b{n}", levels), length
        )  # fmt: skip
        yield (
            f"empty groups {levels}",
            HEAD + "{ " * levels + "relu x0" + " } x3" * levels,
        )
        yield f"empty branches {levels}", _filled(
            _doubled(
                "block b0 { relu x0 }", "block b{n} {{ b{m} -> residual {{ b{m} }} shortcut same -> b{m} }}",
                "b{n}", levels
            ), length,
        )  # fmt: skip
        yield f"called thrice {levels}", _filled(
            _doubled("block b0 { relu }", "block b{n} {{ b{m} ; b{m} ; b{m} }}", "b{n}", levels), length
        )  # fmt: skip
    for levels in (15, 16, 17):
        yield f"doubled layers {levels}", _filled(
            _doubled("block b0 { relu }", "block b{n} {{ b{m} ; b{m} }}", "b{n}", levels), length
        )  # fmt: skip
        yield f"doubled, not alike {levels}", _filled(
            _doubled("block b0(c) { conv c k1 }", "block b{n}(c) {{ b{m} c ; b{m} (c+{n}) }}", "b{n} 1", levels), length
        )  # fmt: skip
        yield f"doubled with a residual {levels}", _filled(
            _doubled("block b0 { relu }", "block b{n} {{ b{m} ; residual {{ b{m} }} }}", "b{n}", levels), length
        )  # fmt: skip
    yield (
        "branches of branches",
        _filled(_doubled("block b0 { conv 8 k1 }", "block b{n} {{ add {{ b{m} | b{m} }} }}", "b{n}", 15), length),
    )
    yield (
        "branches of branches with a word too much",
        _filled(_doubled("block b0 { relu bn }", "block b{n} {{ concat {{ b{m} | b{m} }} }}", "b{n}", 15), length),
    )
    yield (
        "channels of branches",
        _filled(_doubled("block b0 { conv 1 k1 }", "block b{n} {{ concat {{ b{m} | b{m} }} }}", "b{n}", 15), length),
    )
    yield (
        "deep and repeated",
        _filled(_doubled("block b0 { relu }", "block b{n} {{ b{m} }}", "b{n} x100000", 60), length),
    )
    yield (
        "deep and long names",
        _filled(_doubled("block b0 { relu }", "block b{n} {{ " + "a" * 400 + ": b{m} }}", "b{n} x100000", 60), length),
    )


def _of_repeats(length: int) -> Iterator[tuple[str, str]]:
    yield "handed to itself", _filled(["block t(f) { f f=f ; f f=f }", "t f=t"], length)
    yield "repeated", HEAD + "relu x100000"
    yield "repeated convolutions", "input 1x2x2\nconv 1 k1 x100000"
    yield "growing", "input 1x2x2\nconv (in+1) k1 x100000"
    yield "growing by padding", "input 1x2x2\nmaxpool 3 s1 p1 -> { pad 1 -> slice 0..1 } x30000"
    yield "shrinking", "input 1x1000000\nmaxpool 2 s1 x100000"
    yield "shrinking wrongly", "input 1x99999\nmaxpool 2 s1 x100000"
    yield "many chains", _filled(_numbered("conv {n} k1 -> relu"), length)
    yield "many residuals", _filled(_numbered("residual {{ conv 8 k1 }}"), length)
    yield "nested residuals", HEAD + "residual { " * 60 + "relu" + " }" * 60
    yield "many blocks", _filled(_numbered("block b{n} {{ relu }}"), length, tail="relu\n")
    yield (
        "many blocks in a chain",
        _filled(
            (line for n in count(1) for line in (f"block b{n} {{ {f'b{n - 1}' if n > 1 else 'relu'} }}",)),
            length,
            tail="b60",
        ),
    )
    yield (
        "many blocks called",
        _filled((line for n in count(1) for line in (f"block b{n} {{ relu }}", f"b{n}")), length),
    )


def _of_values(length: int) -> Iterator[tuple[str, str]]:
    yield "many params", _filled(_numbered("param p{n} = {n}"), length, tail="relu\n")
    yield "many params and calls", _filled(
        _numbered("param p{n}=1"), length, tail="block g(c) { conv c k1 -> f (c+1) }\nblock f(c) { conv c k1 }\n"
        "{ f (in+1) } x20000\n",
    )  # fmt: skip
    yield (
        "a chain of params",
        _filled((f"param p{n} = {f'p{n - 1} + 1' if n > 1 else '1'}" for n in count(1)), length, tail="linear p9\n"),
    )
    yield (
        "params with params",
        _filled(_doubled("param p0 = 3", "param p{n} = [p{m} p{m}]", "conv p{n} k1", 60), length),
    )
    yield (
        "params nested",
        _filled((f"param p{n} = {f'[p{n - 1}]' if n > 1 else '1'}" for n in count(1)), length, tail="conv p500 k1\n"),
    )
    yield (
        "calls with params",
        _filled(_doubled("param p0 = 3", "param p{n} = normal(p{m}, p{m})", "conv 8 k3 init=p{n}", 60), length),
    )
    yield "defaults with params", _filled(
        ["block b(p0=3, " + ", ".join(f"p{n}=[p{n - 1} p{n - 1}]" for n in range(1, 60)) + ") { conv p59 k1 }",
        "b"], length
    )  # fmt: skip
    yield (
        "parameters doubled in blocks",
        _filled(_doubled("block b0(v) { conv v k3 }", "block b{n}(v) {{ b{m} [v v] }}", "b{n} 3", 50), length),
    )
    yield (
        "products",
        _filled(_doubled("param p0 = 3", "param p{n} = p{m} * p{m}", "conv p{n} k1", 60), length),
    )
    yield (
        "small products",
        _filled(_doubled("param p0 = 0.3", "param p{n} = p{m} * p{m}", "dropout p{n}", 60), length),
    )
    yield "a long list", _repeated("1 ", length, "input 8\nparam p = [", "]\nconv p k1\n")
    yield "a long size", _repeated("1x", length, "input ", "1\n")
    yield "a long size in a value", _repeated("3x", length, HEAD + "conv 8 k", "3\n")
    yield "a long number", _repeated("9", length, HEAD + "conv ", " k1\n")
    yield "a long fraction", _repeated("3", length, HEAD + "dropout 0.", "\n")
    yield "a long exponent", _repeated("9", length, HEAD + "dropout 1e-", "\n")
    yield "a long sum", _repeated("+1", length, HEAD + "conv (1", ") k1\n")
    yield "many arguments", _repeated(" 1", length, HEAD + "conv", "\n")
    yield "many keys", _repeated(" k=3", length, HEAD + "conv 8", "\n")
    yield "many unknown keys", _repeated(" kernal=3", length, HEAD + "conv 8", "\n")
    yield "many arguments of min", _repeated(", 1", length, HEAD + "conv min(1", ") k1\n")
    yield (
        "many parameters",
        _filled(["block b(" + ", ".join(f"p{n}=1" for n in range(length // 10)) + ") { relu }", "b"], length),
    )


def _of_lengths(length: int) -> Iterator[tuple[str, str]]:
    yield "a long label", _repeated("a", length, HEAD, ": relu\n")
    yield "a long word", _repeated("a", length, HEAD, "\n")
    yield "a long word beside known ones", _repeated("conv", length, HEAD, " 3\n")
    yield "a long size and a letter", _repeated("x3", length, HEAD + "conv 8 k3", "k\n")
    yield "a long string", _repeated("a", length, HEAD + 'relu\ntrain { data "', '" }\n')
    yield "a long line", _repeated(" -> relu", length, HEAD + "relu", "\n")
    yield "a long comment", _repeated("x", length, HEAD + "relu #", "\n")
    yield "unknown words on a line", _repeated(" -> a", length, HEAD + "a", "\n")


def _of_mistakes(length: int) -> Iterator[tuple[str, str]]:
    yield "unknown words on lines", _filled(_numbered("convv{n}"), length)
    yield "unknown short words on lines", _repeated("x\n", length, HEAD)
    yield "unknown names", _filled(_numbered("conv wdth{n} k1"), length)
    yield "unknown keys", _filled(_numbered("conv 8 kernl{n}=3"), length)
    yield "unknown settings", _filled(_numbered("epoch{n} 3"), length, HEAD + "relu\ntrain {\n", "}\n")
    yield "unknown budgets", _filled(_numbered("budget parm{n} <= 3"), length)
    yield "names defined twice", _repeated("param p = 1\n", length, HEAD)
    yield "wrong notes", _repeated("relu :: 1x1\n", length, HEAD)
    yield "wrong shapes", _repeated("maxpool 99 :: 8x32x32\n", length, HEAD)
    yield "wrong shapes on a line", _repeated(" -> linear 9 -> linear 8 :: 8x9x9", length, HEAD + "relu")
    yield "doubtful steps", _repeated("conv 8 k3 p1 -> bn -> relu -> relu\n", length, HEAD)
    yield "ignored warnings", _repeated("relu #specc:ignore\n", length, HEAD)
    yield "ignored codes", _repeated("W504,", length, HEAD + "relu -> relu #specc:ignore[", "]\n")
    yield "unused names", _filled(_numbered("param p{n}=1"), length, HEAD + "relu\n")
    yield "many labels alike", _repeated("a: relu\n", length, HEAD)
    yield "many labels", _filled(_numbered("a{n}: relu"), length)


def _of_branches(length: int) -> Iterator[tuple[str, str]]:
    yield "many branches", _repeated("|id", length, HEAD + "add {id", "}\n")
    yield "many empty branches", _repeated("|", length, HEAD + "add {", "}\n")
    yield (
        "many empty branches and mistakes",
        _repeated("add{|}\n", length // 2, HEAD) + "conv ,\n" * (length // 14),
    )
    yield (
        "many different branches",
        _repeated(" | conv 8 k3 p1 -> relu", length, HEAD + "concat { id", "}\n"),
    )
    yield "many wrong branches", _repeated(" | conv 8 k3", length, HEAD + "add { id", "}\n")
    yield "many inputs", _repeated("input 8\n", length)
    yield "many trains", _repeated("train{}\n", length, HEAD + "relu\n")


def _of_characters(length: int) -> Iterator[tuple[str, str]]:
    for name, piece in {
        "round": "(", "square": "[", "curly": "{", "closing round": ")", "closing curly": "}", "closing square": "]",
        "arrow": "->", "bar": "|", "colon": ":", "double colon": "::", "semicolon": ";", "comma": ",", "equals": "=",
        "minus": "-", "quote": '"', "quote and space": '" ', "backquote": "`", "number": "1 ", "hash": "#\n",
        "block": "block b {", "block name": "block b(", "form": "add{", "residual": "residual ",
        "shortcut": "shortcut ",
        "list in list": "[[", "call": "min(", "param": "param ", "train": "train{", "mixed brackets": "({[",
        "wrong brackets": "(]", "torch": "nn.Conv2d(3, 8, 3)\n", "assignment": "x = conv(x)\n", "python": "def f(x):\n",
        "escape": "\x1b[31m", "bell": "\a", "override": "\u202e", "zero width": "\u200b", "wide": "写",
        "accent": "e\u0301",
        "separator": "\u2028", "next line": "\x85", "return": "\r", "form feed": "\f", "tab": "\t",
        "byte order": "\ufeff",
        "many accents": "\u0301", "flag": "🇩", "x0": "relu x0\n", "times": "×", "unterminated": 'data "a\n',
    }.items():  # fmt: skip
        yield f"only: {name}", _repeated(piece, length)
        yield f"in a chain: {name}", _repeated(piece, length, HEAD + "relu\n", "\nconv 8\n")
        yield (
            f"as an argument: {name}",
            _repeated(piece, length, HEAD + "conv ", "\nrelu\n"),
        )
    for name, piece in {"round": "()", "square": "[]", "curly": "{}"}.items():
        yield (
            f"nested: {name}",
            f"{HEAD}conv {piece[0] * (length // 2 - 20)}1{piece[1] * (length // 2 - 20)}\n",
        )
