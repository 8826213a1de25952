"""The released weights, downloaded into the host's folders: the only node that uses the network."""

from __future__ import annotations

from comfy_api.latest import io, ui

from .host import files
from .host.editor import show_text
from .host.runtime import HostRuntime
from .schema.search import also_found_as

ACCEPT = "Nothing was downloaded. Turn on 'accept_licenses' to accept these licenses, and run again to download."
REFRESH = "Press R in ComfyUI to refresh the lists of files in the loaders."


class Hallo2DownloadModels(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Hallo2DownloadModels",
            display_name="Download Models (Hallo2)",
            category="Hallo2",
            description=(
                "Lists the released weights that are missing, with sizes and licenses, and downloads them into "
                "ComfyUI's folders once you accept the licenses. After a cancel, it continues where it stopped."
            ),
            inputs=[
                io.Combo.Input(
                    "models",
                    options=["animation", "upscaling", "identity", "everything"],
                    default="animation",
                    tooltip=(
                        "'animation': the networks, the VAE and the speech encoder (5.6 GB). 'upscaling': the upscaler "
                        "(0.9 GB). 'identity': the release's face models (0.3 GB). The last two are licensed for "
                        "non-commercial use only."
                    ),
                ),
                io.Boolean.Input(
                    "accept_licenses",
                    default=False,
                    tooltip=(
                        "Off: only lists files, sizes and licenses. On: you accept these licenses, and files that are "
                        "missing are downloaded."
                    ),
                ),
                io.String.Input(
                    "endpoint",
                    default="",
                    tooltip=(
                        "Address of a mirror of Hugging Face, if you cannot reach it. Empty: the environment variable "
                        "HF_ENDPOINT if set, otherwise https://huggingface.co."
                    ),
                ),
            ],
            outputs=[
                io.String.Output(display_name="report", tooltip="Files, sizes, sources, licenses, and what was done.")
            ],
            hidden=[io.Hidden.unique_id],
            is_output_node=True,
            **also_found_as("weights", "huggingface", "checkpoint", "net.pth", "wav2vec"),
        )

    @classmethod
    def fingerprint_inputs(cls, **inputs: str | bool) -> float:
        """Always different: the files on disk are not among the inputs."""
        return float("nan")

    @classmethod
    def execute(cls, models: str, accept_licenses: bool, endpoint: str) -> io.NodeOutput:
        from ..hallo2_core.downloads.endpoint import chosen_endpoint
        from ..hallo2_core.downloads.fetch import download_all
        from ..hallo2_core.downloads.plan import chosen_purposes, plan_downloads

        address = chosen_endpoint(endpoint)
        plan = plan_downloads(chosen_purposes([models]), files.HostFolders())
        lines = plan.lines(address)
        if plan.downloads and accept_licenses:
            plan.check_space()
            done = download_all(plan.downloads, address, HostRuntime(node_id=cls.hidden.unique_id))
            lines += [*map(str, done), REFRESH]
        elif plan.downloads:
            lines.append(ACCEPT)
        report = "\n".join(lines)
        show_text(cls.hidden.unique_id, report)
        return io.NodeOutput(report, ui=ui.PreviewText(report))
