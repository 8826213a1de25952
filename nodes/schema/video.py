"""Inputs and the output shared by all nodes that write a video file."""

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
                "h264 plays everywhere, up to 4096x2304; 'auto' switches to h265 above that. av1 makes the smallest "
                "files, and current browsers play it."
            ),
        )
    return io.Combo.Input(
        "codec",
        options=CODECS,
        default="h264",
        tooltip=(
            "h264 plays everywhere; h265 makes smaller files that some browsers do not play; av1 makes the smallest, "
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
            "Compression (CRF). Up to 14 the loss is invisible, 20 is high quality, 26 good; higher values give "
            "smaller, blockier files. 0 is lossless, which browsers do not play. Choose a low value for videos that "
            "will be edited."
        ),
    )


def bit_depth() -> io.Combo.Input:
    return io.Combo.Input(
        "bit_depth",
        options=["8", "10"],
        default="8",
        optional=True,
        tooltip="10 bits per channel avoid banding in soft backgrounds; 8 bits play everywhere.",
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
            "Disk space in GB for all stopped videos in output/hallo2_jobs. If they take more, the oldest are deleted "
            "before this one starts; finished and running ones never are. 0 deletes none."
        ),
        **io_types.ADVANCED,
    )


def metadata() -> io.Combo.Input:
    return io.Combo.Input(
        "metadata",
        options=["full", "mark", "none"],
        default="full",
        optional=True,
        tooltip=(
            "What the file says about how it was made. 'full': the settings, seeds, fingerprints of the weights, this "
            "workflow, and that an AI made it. 'mark': only that an AI made it. 'none': nothing."
        ),
        **io_types.ADVANCED,
    )


def finished_video() -> io.Video.Output:
    return io.Video.Output(display_name="video", tooltip="A finished file; its frames are not held in memory.")
