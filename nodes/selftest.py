"""The golden cases, run inside the host."""

from __future__ import annotations

from comfy_api.latest import io, ui

from .host.editor import show_text
from .host.precision import DTYPES
from .host.selftest import run_in_host
from .schema.search import also_found_as

# Newer hosts show this node only in developer mode.
DEV_ONLY = {"is_dev_only": True} if "is_dev_only" in io.Schema.__dataclass_fields__ else {}


class Hallo2Selftest(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Hallo2Selftest",
            display_name="Self-Test (Hallo2)",
            category="Hallo2/Diagnostics",
            description=(
                "Compares the networks with numbers from the official code, on ComfyUI's own layers, attention and "
                "memory manager, on the device that your graphs run on. It needs no weights."
            ),
            inputs=[
                io.Combo.Input(
                    "dtype",
                    options=list(DTYPES),
                    default="default",
                    tooltip=(
                        "How the weights are stored, as in 'Load Model'; ComfyUI picks the precision of the "
                        "computation for this device. fp32 has the tightest limits and shows errors that the rounding "
                        "of the others would hide."
                    ),
                ),
                io.Combo.Input(
                    "cases",
                    options=["quick", "all"],
                    default="quick",
                    tooltip=(
                        "'quick' takes seconds on a card and a minute on a CPU. 'all' adds the whole upscaler, a video "
                        "of several clips and the full-size network: about 10 GiB of memory, and many minutes on a CPU."
                    ),
                ),
            ],
            outputs=[
                io.String.Output(
                    display_name="report",
                    tooltip="One line per case: largest difference, largest relative difference, PASS, FAIL or SKIP.",
                )
            ],
            hidden=[io.Hidden.unique_id],
            is_output_node=True,
            **DEV_ONLY,
            **also_found_as("test", "verify", "diagnose"),
        )

    @classmethod
    def fingerprint_inputs(cls, dtype: str, cases: str) -> float:
        """Always different: what is tested is not among the inputs, so each run repeats the test."""
        return float("nan")

    @classmethod
    def execute(cls, dtype: str, cases: str) -> io.NodeOutput:
        report = run_in_host(dtype, cases, cls.hidden.unique_id)
        show_text(cls.hidden.unique_id, report)
        return io.NodeOutput(report, ui=ui.PreviewText(report))
