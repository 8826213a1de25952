"""Finished and unfinished jobs of the nodes: a list with a frame of each, and actions on the selected ones."""

from __future__ import annotations

from comfy_api.latest import io, ui

from .host.editor import show_text
from .host.jobs import listed_jobs, path_in_output
from .host.pictures import images
from .schema.search import also_found_as

ALL, FINISHED, STOPPED = "all", "finished", "stopped"
LIST, REMOVE, MOVE, LINK = "list", "remove", "move", "hard link"


class Hallo2Jobs(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Hallo2Jobs",
            display_name="Jobs (Hallo2)",
            category="Hallo2",
            description=(
                "Lists the videos that the Hallo2 nodes have finished or begun, with kind, progress, size, age and "
                "first frame. Removes, moves or hard-links those you name."
            ),
            inputs=[
                io.Combo.Input(
                    "show",
                    options=[ALL, FINISHED, STOPPED],
                    default=ALL,
                    tooltip="Which jobs to list: all, those with a finished video, or those that were stopped.",
                ),
                io.Combo.Input(
                    "action",
                    options=[LIST, REMOVE, MOVE, LINK],
                    default=LIST,
                    tooltip=(
                        "What to do with the jobs named below, before they are listed. 'remove' deletes clips and "
                        "video, but not a video that was moved elsewhere. 'move' and 'hard link' put finished videos "
                        "into 'folder'."
                    ),
                ),
                io.String.Input(
                    "jobs",
                    default="",
                    multiline=True,
                    tooltip="Names of jobs as the list shows them, separated by spaces, commas or lines.",
                ),
                io.String.Input(
                    "folder",
                    default="",
                    tooltip=(
                        "Where 'move' and 'hard link' put videos: a folder below ComfyUI's output folder. A hard link "
                        "is a second name for the same file and takes no space."
                    ),
                ),
            ],
            outputs=[
                io.Image.Output(display_name="frames", tooltip="The first frame of each job, in the list's order."),
                io.String.Output(display_name="report", tooltip="One line per job, newest first."),
            ],
            hidden=[io.Hidden.unique_id],
            is_output_node=True,
            **also_found_as("resume", "clean up", "delete videos", "disk space", "history"),
        )

    @classmethod
    def fingerprint_inputs(cls, **inputs: str) -> float:
        """Always different: the files on disk are not among the inputs."""
        return float("nan")

    @classmethod
    def execute(cls, show: str, action: str, jobs: str, folder: str) -> io.NodeOutput:
        from ..hallo2_core.jobs.actions import act_on
        from ..hallo2_core.jobs.report import report
        from ..hallo2_core.video.still import contact_pictures

        place = path_in_output(folder) if action in (MOVE, LINK) else None
        done = act_on(listed_jobs(), action, jobs.replace(",", " ").split(), place) if action != LIST else []
        shown = [job for job in reversed(listed_jobs()) if show in (ALL, job.state)]
        text = "\n".join([*done, *report(shown)])
        frames = images(*contact_pictures([job.pictures for job in shown]))
        show_text(cls.hidden.unique_id, text)
        preview = ui.PreviewImage(frames, cls=cls).as_dict() | {"animated": (False,)} if shown else {}
        return io.NodeOutput(frames, text, ui=preview | {"text": (text,)})
