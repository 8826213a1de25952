"""What a video's values depend on besides its inputs: our own code, torch, and the machine.

A finished video is found again by its inputs alone. Resuming an unfinished one also requires the same
arithmetic, or its clips would not be bit-identical to those of one run.

The numbers below are versions of our own arithmetic, one per pipeline. Raise one by hand, in the same commit, when a
change makes its pipeline's frames differ, even in the last bit: another order of sums, another intermediate dtype,
another resampling. Changes that only affect speed or messages do not raise it. `tests/core/test_arithmetic.py` fails
if the frames of seeded networks change and the number does not; it cannot detect changes below its tolerance.
"""

from __future__ import annotations

import torch

ANIMATION_ARITHMETIC = 5
UPSCALING_ARITHMETIC = 3
PASTING_ARITHMETIC = 1


def torch_arithmetic(device: torch.device) -> dict[str, str]:
    """Torch's version, the device, and the switches that choose between its kernels; as readable text.

    A CPU is identified by the instruction set that torch uses, a GPU by its name.
    """
    said = {"torch": torch.__version__, "matmul precision": _matmul_precision()}
    if device.type != "cuda":
        name = torch.backends.cpu.get_cpu_capability() if device.type == "cpu" else ""
        return said | {"device": f"{device.type} {name}".strip(), "deterministic": _yes(_is_deterministic())}
    cuda, cudnn = torch.backends.cuda, torch.backends.cudnn
    kernels = {
        "flash": cuda.flash_sdp_enabled(),
        "memory-efficient": cuda.mem_efficient_sdp_enabled(),
        "math": cuda.math_sdp_enabled(),
        "cuDNN": cuda.cudnn_sdp_enabled(),
    }
    return said | {
        "device": f"cuda {torch.cuda.get_device_name(device)}",
        "deterministic": _yes(_is_deterministic() or cudnn.deterministic),
        "cuDNN": str(cudnn.version()),
        "cuDNN benchmark": _yes(cudnn.benchmark),
        "TF32 in convolutions": _convolution_precision(),
        "fp16 accumulation": _yes(getattr(cuda.matmul, "allow_fp16_accumulation", False)),
        "fp16 reduction": _yes(cuda.matmul.allow_fp16_reduced_precision_reduction),
        "bf16 reduction": _yes(cuda.matmul.allow_bf16_reduced_precision_reduction),
        "attention kernels": ", ".join(name for name, is_on in kernels.items() if is_on),
    }


def _is_deterministic() -> bool:
    return torch.are_deterministic_algorithms_enabled()


def _matmul_precision() -> str:
    """Read from torch's newer switch if it is set: reading the older one fails then. Their defaults are the same."""
    older = {"highest": "ieee"}
    precision = _newer_precision(torch.backends.cuda.matmul) or torch.get_float32_matmul_precision()
    return older.get(precision, precision)


def _convolution_precision() -> str:
    convolutions = getattr(torch.backends.cudnn, "conv", None)
    return _newer_precision(convolutions) or ("tf32" if torch.backends.cudnn.allow_tf32 else "ieee")


def _newer_precision(kind: object) -> str | None:
    """None if torch lacks this switch or it is not set. "none" defers to the global switch, which may not be set."""
    own = getattr(kind, "fp32_precision", None)
    found = torch.backends.fp32_precision if own == "none" else own
    return None if found == "none" else found


def _yes(is_on: bool) -> str:
    return "on" if is_on else "off"
