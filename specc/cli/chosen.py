"""Options of the commands that use a trained network, and how they load it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    import torch

Command = TypeVar("Command", bound=Callable[..., Any])


def weights_option(command: Command) -> Command:
    """`--weights best|last`"""
    return click.option(
        "--weights",
        "kind",
        type=click.Choice(["best", "last"]),
        help="Which weights of a run: of its best epoch, or those at its end.  [best]",
    )(command)


def device_option(command: Command) -> Command:
    """`--device cpu`"""
    return click.option(
        "--device",
        metavar="DEVICE",
        default="auto",
        help="Where to compute: auto takes cuda, else mps, else cpu.  [auto]",
    )(command)


def device_of(name: str) -> torch.device:
    """The device that `--device` names. Raises: Problem E612; click.BadParameter for a word that is none."""
    from specc.recipe.judging import explain_wrong

    wrong = explain_wrong("device", name)
    if wrong:
        raise click.BadParameter(wrong.message, param_hint="--device")
    from specc.runner.device import choose_device

    return choose_device(name)


def fit_option(command: Command) -> Command:
    """`--fit`"""
    return click.option(
        "--fit", is_flag=True, help="Convert pictures of another size or colour to what the network takes."
    )(command)


def invert_option(command: Command) -> Command:
    """`--invert`"""
    return click.option(
        "--invert", is_flag=True, help="Swap dark and light: for dark ink on light paper, the opposite of MNIST."
    )(command)


def tta_option(command: Command) -> Command:
    """`--tta`"""
    return click.option(
        "--tta", type=click.Choice(["flip", "shift"]),
        help="Test-time augmentation: the mean of what is said to each picture and to its mirror image (flip), and, "
        "for half of it, to both moved by one pixel up and left, and down and right (shift).",
    )(command)  # fmt: skip
