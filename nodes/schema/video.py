"""The inputs and the output that every node has which makes a video file."""

from comfy_api.latest import io

from . import io_types

AUTO = "auto"
CODECS = ["h264", "h265", "av1"]


def codec(may_choose_itself: bool = False) -> io.Combo.Input:
    if may_choose_itself:
        return io.Combo.Input(
            "codec",
            options=[AUTO, *CODECS],
            default=AUTO,
            tooltip=(
                "h264 plays everywhere, up to 4096x2304; 'auto' takes h265 for what is larger. av1 makes the smallest "
                "files, and current browsers play it."
            ),
        )
    return io.Combo.Input(
        "codec",
        options=CODECS,
        default="h264",
        tooltip=(
            "h264 plays everywhere; h265 makes smaller files that not every browser shows; av1 makes the smallest, "
            "which current browsers play and older machines do not."
        ),
    )


def quality() -> io.Int.Input:
    return io.Int.Input(
        "quality",
        default=14,
        min=0,
        max=51,
        tooltip=(
            "Compression of the file (CRF): up to 14 the eye sees no loss, 20 is high, 26 good; higher is smaller and "
            "blockier. 0 is lossless, which browsers don't play. Keep it low if the video is to be worked on."
        ),
    )


def bit_depth() -> io.Combo.Input:
    return io.Combo.Input(
        "bit_depth",
        options=["8", "10"],
        default="8",
        optional=True,
        tooltip="10 bits a channel avoid bands in soft backgrounds; 8 plays everywhere.",
        **io_types.ADVANCED,
    )


def unfinished_gb() -> io.Float.Input:
    return io.Float.Input(
        "unfinished_gb",
        default=50.0,
        min=0.0,
        max=100_000.0,
        step=1.0,
        optional=True,
        tooltip=(
            "Gigabytes that stopped videos may take in output/hallo2_jobs together. Where it is more, the oldest are "
            "removed before this one begins, never a finished one nor one being made. 0 removes none."
        ),
        **io_types.ADVANCED,
    )


def finished_video() -> io.Video.Output:
    return io.Video.Output(display_name="video", tooltip="A finished file: nothing of it is in memory.")
