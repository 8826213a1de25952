"""Inputs and outputs shared by the nodes that measure a finished video."""

from comfy_api.latest import io


def video() -> io.Video.Input:
    return io.Video.Input("video", tooltip="Any video; it is read frame by frame, whatever its length.")


def clip_frames() -> io.Int.Input:
    return io.Int.Input(
        "clip_frames",
        default=16,
        min=1,
        max=10_000,
        tooltip="Frames from one seam to the next. Hallo2 makes clips of 16.",
    )


def plot() -> io.Image.Output:
    return io.Image.Output(display_name="plot", tooltip="One curve per measure, over the whole video.")
