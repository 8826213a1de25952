"""The host as it is on a machine with a certain card: its own decisions, on the answers such a card gives."""

import json
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from unittest import mock

import comfy.model_management as mm
import torch
from comfy.cli_args import PerformanceFeature, args
from comfy_api.latest import io, ui

GIB = 2**30
# name → compute capability, memory, what torch.cuda.is_bf16_supported() answers (before Ampere: by emulation)
CARDS = {
    "NVIDIA GeForce GTX 1660": ((7, 5), 6, True),
    "NVIDIA GeForce RTX 2060": ((7, 5), 6, True),
    "NVIDIA GeForce RTX 3060": ((8, 6), 12, True),
    "NVIDIA GeForce RTX 4090": ((8, 9), 24, True),
    "NVIDIA H100": ((9, 0), 80, True),
}
FLAGS = {
    "--fp16-unet": (args, {"fp16_unet": True}),
    "--fp8_e4m3fn-unet": (args, {"fp8_e4m3fn_unet": True}),
    "--fp8_e8m0fnu-unet": (args, {"fp8_e8m0fnu_unet": True}),
    "--force-fp32": (mm, {"FORCE_FP32": True}),
    "--lowvram": (mm, {"vram_state": mm.VRAMState.LOW_VRAM}),
    "--fast fp8_matrix_mult": (args, {"fast": {PerformanceFeature.Fp8MatrixMultiplication}}),
    "--bf16-vae": (args, {"bf16_vae": True}),
}


@contextmanager
def on(card, flags=()):
    """card: a name of CARDS, or "" for the CPU.  flags: of FLAGS."""
    with ExitStack() as stack:
        for flag in flags:
            target, values = FLAGS[flag]
            stack.enter_context(mock.patch.multiple(target, **values))
        if card:
            (major, minor), gib, has_bf16 = CARDS[card]
            properties = SimpleNamespace(name=card, major=major, minor=minor, total_memory=gib * GIB)
            memory = {
                "get_total_memory": lambda *_, **__: gib * GIB,
                "get_torch_device": lambda: torch.device("cuda:0"),
            }
            stack.enter_context(mock.patch.multiple(mm, cpu_state=mm.CPUState.GPU, **memory))
            stack.enter_context(mock.patch.object(torch.version, "cuda", "12.8"))
            answers = {"get_device_properties": lambda _: properties, "is_bf16_supported": lambda: has_bf16}
            stack.enter_context(mock.patch.multiple(torch.cuda, **answers))
        yield


class ProbePrecision(io.ComfyNode):
    """Storage, arithmetic and layers of a network on a card; a case is [card, flags, choice, network]."""

    @classmethod
    def define_schema(cls):
        return io.Schema("ProbePrecision", inputs=[io.String.Input("cases")], outputs=[], is_output_node=True)

    @classmethod
    def execute(cls, cases):
        return io.NodeOutput(ui=ui.PreviewText(json.dumps([cls.chosen(*case) for case in json.loads(cases)])))

    @staticmethod
    def chosen(card, flags, choice, network):
        from .in_pack import pack

        needs = getattr(pack("hallo2_core.models.precision"), f"{network.upper()}_PRECISION")
        with on(card, flags):
            try:
                build = pack("nodes.host.networks").network_build(choice, needs)
            except pack("hallo2_core.errors").SettingsError as error:
                return str(error)
        (layers,) = build.operations.__bases__
        assert build.operations.Linear.__bases__ == (layers.Linear,)
        dtypes = (str(dtype).removeprefix("torch.") for dtype in (build.dtype, build.compute_dtype))
        return " ".join([*dtypes, layers.__name__])


NODES = [ProbePrecision]
