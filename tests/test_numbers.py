"""Numbers are exact, and of any size: a tenth is a tenth, and what is too large or too fine is a finding of its own."""

from __future__ import annotations

import operator
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import specc
from specc.cli.main import main
from specc.ir.names.overrides import UnknownParameter
from specc.ir.names.scope import shown
from specc.pipeline import analyse
from specc.recipe.judging import explain_wrong, from_text
from specc.recipe.recipe import Recipe
from specc.source import Source
from specc.syntax.numerals import FINEST, MAX_MAGNITUDE, TOO_FINE, TOO_LARGE, number_of, power, whole_of


def value_of(expression: str) -> Any:
    """What a `param` with this expression holds."""
    analysis = analyse(Source("net.cnn", f"input 8\nparam value = ({expression})\nrelu"))
    assert analysis.ok, [found.message for found in analysis.diagnostics]
    return analysis.resolved.parameters["value"]


def codes(text: str) -> list[str]:
    return [found.code for found in analyse(Source("net.cnn", text)).diagnostics]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1.001K", 1001), ("100*0.55", 55), ("10/3*3", 10), ("0.1+0.2", Fraction(3, 10)), ("1.1*1.1", Fraction("1.21")),
        ("0.1K", 100), ("2.5e-1*4", 1), ("1e-3M", 1000), ("7/2//1", 3), ("-7/2//1", -4), ("0.7 % 0.2", Fraction(1, 10)),
        ("min(1/3, 0.3)", Fraction(3, 10)), ("max(1/3, 0.3)", Fraction(1, 3)), ("divisible(0.55*64, 8)", 32),
        ("[0.1 (1/3)] * 3", (Fraction(3, 10), 1)), ("2x4 / 8", (Fraction(1, 4), Fraction(1, 2))), ("0e999999999", 0),
        ("1e-300*1e300", None), ("0" * 5000 + "7", 7), ("1." + "0" * 5000, 1), ("2.50000000e1", 25),
        ("2**3**2", 512), ("-2**2", -4), ("2*3**2", 18), ("2**-1", Fraction(1, 2)), ("(1/3)**2", Fraction(1, 9)),
        ("(-1)**1000000000000000001", -1), ("0**0", 1), ("[1 2 3]**2", (1, 4, 9)), ("2**2x3", (4, 8)),
    ],
)  # fmt: skip
def test_numbers_are_exact(expression: str, expected: object) -> None:
    if expected is None:
        assert codes(f"input 8\nparam value = ({expression})\nrelu") == ["E402"]
        return
    value = value_of(expression)
    assert (value, kinds(value)) == (expected, kinds(expected))


def kinds(value: object) -> object:
    """int or `Fraction`, for each number of a list."""
    return [kinds(item) for item in value] if isinstance(value, tuple) else type(value)


@given(
    st.integers(0, 10**12), st.integers(0, 10**12), st.integers(0, 12), st.integers(-20, 9),
    st.sampled_from(["", "K", "M", "G"]),
)  # fmt: skip
def test_a_number_is_what_its_digits_say(whole: int, decimals: int, zeros: int, exponent: int, unit: str) -> None:
    mantissa = f"{whole}.{'0' * zeros}{decimals}"
    expected = Fraction(f"{mantissa}e{exponent}") * {"": 1, "K": 10**3, "M": 10**6, "G": 10**9}[unit]
    assert number_of(f"{mantissa}e{exponent}{unit}") == expected


@given(st.text("0123456789", min_size=1, max_size=60))
def test_a_whole_number_is_read_whole_or_is_too_large(digits: str) -> None:
    assert whole_of(digits) == int(digits) or min(whole_of(digits), int(digits)) > MAX_MAGNITUDE


_OPERATORS: dict[str, Callable[[Fraction, Fraction], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": Fraction,
    "//": operator.floordiv,
    "%": operator.mod,
}
_LITERALS = st.one_of(
    st.integers(0, 300).map(str),
    st.decimals(0, 300, places=3, allow_nan=False).map(lambda number: f"{Decimal(number):f}"),
)


@st.composite
def expressions(draw: st.DrawFn, depth: int = 3) -> tuple[str, Fraction]:
    """An expression and its exact value, without divisions by zero and parts beyond what torch counts with."""
    if depth == 0 or draw(st.booleans()):
        text = draw(_LITERALS)
        return text, Fraction(text)
    left, a = draw(expressions(depth - 1))
    right, b = draw(expressions(depth - 1))
    sign = draw(st.sampled_from(sorted(_OPERATORS)))
    if sign in ("/", "//", "%") and b == 0:
        sign = "+"
    value = Fraction(_OPERATORS[sign](a, b))
    assume(abs(value) <= MAX_MAGNITUDE)
    return f"({left} {sign} {right})", value


@settings(max_examples=200, deadline=None)
@given(expressions())
def test_expressions_are_calculated_exactly(expression: tuple[str, Fraction]) -> None:
    text, expected = expression
    assert value_of(text) == expected


@given(st.one_of(st.integers(-9, 9), st.fractions(-9, 9, max_denominator=99)), st.integers(-400, 400))
def test_a_power_is_exact_or_beyond_the_bounds(base: int | Fraction, exponent: int) -> None:
    assume(base or exponent >= 0)
    exact = Fraction(base) ** exponent
    assert power(base, exponent) in (exact, TOO_LARGE, TOO_FINE)
    if abs(exact) <= MAX_MAGNITUDE and exact.denominator <= FINEST:
        assert power(base, exponent) == exact


@pytest.mark.parametrize("base", ["9", "1.5", "(-7/3)", "1e18", "1e-300", "(1 + 1e-300)"])
@pytest.mark.parametrize("exponent", ["10**18", "-10**18", "4e15", "9**9", "9**9**9"])
def test_a_power_of_any_size_is_refused_at_once(base: str, exponent: str) -> None:
    lines = "\n".join([f"scale ({base}**{exponent})"] * 50)
    assert codes(f"input 8\n{lines}") == ["E402"] * 50


def test_multiplying_again_and_again_ends() -> None:
    lines = ["param a0 = 1.0000001"] + [f"param a{n + 1} = (a{n}*a{n})" for n in range(40)]
    large = ["param b0 = 9"] + [f"param b{n + 1} = (b{n}*b{n})" for n in range(40)]
    product = "(" + "*".join(["9"] * 90) + ")"
    for text in ("\n".join(lines), "\n".join(large), f"param c = {product}", f"linear {product}"):
        assert codes(f"input 8\n{text}\nrelu") == ["E402"]


# Every place of a number, in a spec of eight channels; {} is the number.
PLACES = [
    "conv {} k3", "conv 8 k{}", "conv 8 k3x{}", "conv 8 k=3x{}", "conv 8 k3 p{}", "relu x{}", "relu x={}",
    "conv 8 k1 weight=[{}]", "relu :: {}x3x3", "relu :: {}", "relu :: _x{}x_", "bn eps={}", "bn gamma={}", "scale -{}",
    "conv 8 k3 init=normal(0,{})", "dropout {}", "conv ({}*2) k1", "conv ({}/{}) k1", "conv (1/{}) k1",
    "conv ({}//7) k1", "conv ({} % 7) k1", "conv min({},3) k1", "conv divisible({},8) k1", "conv divisible(8,{}) k1",
    "upsample {}", "upsample 2x{}", "pad {}", "unflatten {}x2", "slice 0 {}", "block b(c={}) {{ conv c k1 }}\nb",
    "param a = {}", "param a = [{} {}]", "budget params <= {}", "train {{ epochs {} }}", "train {{ lr {} }}",
    "train {{ resize {}x{} }}", "train {{ betas [{} 0.9] }}", "train {{ optimizer sgd lr={} }}", "n{}: relu\nn{}: relu",
    "relu{}", "conv 8 k{}s2", "x{}", "{}", "linear 3.{}", "# specc: ignore[W{}]\nrelu", "conv 8 k3 x{}x2",
]  # fmt: skip
HUGE = ["9" * 309, "9" * 400, "1" + "0" * 5000, "1e999999999", "1e" + "9" * 5000, "1e19"]
FINE = ["1e-300", "1e-700", "1e-999999999", "0." + "3" * 5000, "0." + "0" * 5000 + "1"]
ZEROS = ["0" * 5000, "0" * 5000 + "3", "0e999999999"]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("number", [*HUGE, *FINE, *ZEROS], ids=lambda number: f"{number[:4]}-{len(number)}")
def test_a_number_of_any_size_is_answered(place: str, number: str) -> None:
    text = place.replace("{}", number).replace("{{", "{").replace("}}", "}")
    analysis = analyse(Source("net.cnn", f"input 8x32x32\n{text}\n"))
    assert sum(len(found.message) + len(found.help or "") for found in analysis.diagnostics) < 3000 + 8 * len(text)


@pytest.mark.parametrize("number", HUGE, ids=lambda number: f"{number[:4]}-{len(number)}")
@pytest.mark.parametrize(
    "place", ["conv {} k3", "conv 8 k{}", "relu x{}", "relu x={}", "param a = {}", "budget params <= {}",
              "train {{ epochs {} }}", "relu :: {}x_x_", "bn eps={}", "conv ({}*2) k1", "conv 8 k1 weight=[{}]"],
)  # fmt: skip
def test_what_is_too_large_says_so(place: str, number: str) -> None:
    text = place.format(number)
    if number.isdigit() or not ("k{}" in place or "x{}" in place or "::" in place):  # those take digits only
        assert codes(f"input 8x32x32\n{text}\n") == ["E402"]


@pytest.mark.parametrize("number", ["9" * 309, "9" * 5000, "-" + "9" * 5000, "1e999999999", "1e-999999999"])
@pytest.mark.parametrize("option", ["--set", "--input"])
def test_the_command_line_takes_no_such_number(option: str, number: str, tmp_path: Any) -> None:
    spec = tmp_path / "net.cnn"
    spec.write_text("input 8x32x32\nparam width = 8\nconv width k1\n")
    value = f"width={number}" if option == "--set" else number
    found = CliRunner().invoke(main, ["check", str(spec), option, value])
    assert found.exit_code == 2
    assert "Error" in found.output


@pytest.mark.parametrize("name", Recipe.model_fields)
@pytest.mark.parametrize("text", ["9" * 309, "9" * 5000, "-" + "9" * 5000, "9" * 5000 + "x3", "0.1," + "9" * 5000])
def test_a_setting_takes_no_such_number(name: str, text: str) -> None:
    value = from_text(name, text)
    if not isinstance(value, str):
        assert explain_wrong(name, value) is not None


HANDED = [10**400, -(10**5000), float("inf"), float("nan"), (10**5000, 1), 1e300]


@pytest.mark.parametrize("value", HANDED, ids=map(str, range(len(HANDED))))  # pytest would write all digits out
def test_python_hands_over_no_such_number(value: object) -> None:
    with pytest.raises(UnknownParameter):
        specc.check("input 8x32x32\nparam width = 8\nconv width k1\n", width=value)
    sizes = value if isinstance(value, tuple) else (value, 3, 3)
    with pytest.raises(ValueError, match="shape"):
        specc.check("input 8x32x32\nrelu\n", input=sizes)


def test_a_float_from_python_means_what_python_shows() -> None:
    text = "input 8x8x8\nparam share = 1\nconv (100*share) k1\n"
    assert specc.check(text, share=0.55).output == (55, 8, 8)
    assert specc.check(text, share="0.55").output == (55, 8, 8)
    assert specc.check(text, share=Fraction(11, 20)).output == (55, 8, 8)


def test_a_label_of_many_digits_gets_another_number() -> None:
    for label in ("a1000000", "a" + "9" * 5000):
        report = specc.check(f"input 8\n{label}: relu\n{label}: tanh\n")
        assert [found.code for found in report.diagnostics] == ["E209"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Fraction("0.55"), "0.55"), (Fraction(1, 3), "0.333333"), (Fraction("1000001.5"), "1000001.5"),
        (Fraction("22.4"), "22.4"), (Fraction(1, 10**6), "1e-06"), (1 + Fraction(1, 10**30), "about 1"),
        ((1, Fraction(1, 2)), "[1 0.5]"), (-Fraction(1, 8), "-0.125"), (Fraction(1, FINEST), "about 0"),
    ],
)  # fmt: skip
def test_a_fraction_reads_as_a_person_writes_it(value: Any, expected: str) -> None:
    assert shown(value) == expected


def test_an_almost_whole_number_is_not_whole() -> None:
    (found,) = analyse(Source("net.cnn", "input 8\nlinear (10 + 1e-30)\n")).diagnostics
    assert found.code == "E204"
    assert found.message.endswith("not about 10")


def test_budgets_are_exact() -> None:
    layers = "input 9\nlinear 100 -> linear 1 nobias\n"  # 1,000 + 100 parameters
    assert codes(f"{layers}budget params <= 1.1K") == []
    assert codes(f"{layers}budget params <= (1.1K - 0.001)") == ["E404"]
    (found,) = analyse(Source("net.cnn", f"{layers}budget params <= 1099.75")).diagnostics
    assert found.message == "the network has 1,100 params, 0.25 over its budget of 1099.75"


def test_torch_gets_floats() -> None:
    report = specc.check("input 8x8x8\nparam share = 0.1\nbn eps=(share/3) momentum=share -> dropout share\n")
    assert report.model is not None
    layers = list(report.model.layers())
    assert (layers[0].eps, layers[0].momentum, layers[1].p) == (0.1 / 3, 0.1, 0.1)  # type: ignore[attr-defined]  # of these layers
    assert report.model.parameters == {"share": 0.1}
