"""Shared parts of the timeline nodes: inputs, output, and validation of the text before anything runs."""

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
            "Duration of the change from one span to the next, half of it before the border and half after. 0 "
            "switches between two frames."
        ),
    )


def blend() -> io.Combo.Input:
    return io.Combo.Input(
        "blend",
        options=["linear", "smooth"],
        default="linear",
        tooltip="Shape of a transition: 'linear', or 'smooth' with a slow start and end.",
    )


def report() -> io.String.Output:
    return io.String.Output(
        display_name="report",
        tooltip="The timeline as it was read, with notes. Also shown on the node.",
    )


def check(parse: Callable[[str], object], text: str | None) -> bool | str:
    """For validate_inputs: True, or the error in a text. None: it comes from another node at run time."""
    try:
        parse(text or "")
    except TimelineError as error:
        return str(error)
    return True
