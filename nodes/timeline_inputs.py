"""The inputs and the output that every node with a timeline has."""

from __future__ import annotations

from comfy_api.latest import io


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
