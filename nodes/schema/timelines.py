"""What every node with a timeline has: inputs, an output, and the look at its text before anything runs."""

from __future__ import annotations

from collections.abc import Callable

from comfy_api.latest import io

from ...hallo2_core.errors import TimelineError


def transition_seconds() -> io.Float.Input:
    return io.Float.Input(
        "transition_seconds",
        default=0.5,
        min=0.0,
        max=10.0,
        step=0.05,
        tooltip=(
            "Seconds from one span to the next; half of them lie before the border, half after. 0 changes from one "
            "frame to the next."
        ),
    )


def blend() -> io.Combo.Input:
    return io.Combo.Input(
        "blend",
        options=["linear", "smooth"],
        default="linear",
        tooltip="How a transition goes: 'linear' evenly, 'smooth' beginning and ending slowly.",
    )


def report() -> io.String.Output:
    return io.String.Output(
        display_name="report",
        tooltip="The timeline as it was read, and what to know of it. Shown under the node too.",
    )


def check(parse: Callable[[str], object], text: str | None) -> bool | str:
    """For validate_inputs: True, or what is wrong with a text. None: another node gives it, later."""
    try:
        parse(text or "")
    except TimelineError as error:
        return str(error)
    return True
