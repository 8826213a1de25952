"""Numbers that left the range of their dtype, found before they become pictures."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..errors import PrecisionError
from .layers import compute_dtype_of, precision_of


def check_finite(values: Tensor, what: str, network: nn.Module, loader: str) -> None:
    """Raise PrecisionError where `values` hold an infinity or a NaN. Waits for the device.

    what: for the message, such as "The latents of clip 3".  network: made them.  loader: the node that loads it.
    """
    if bool(torch.isfinite(values).all()):
        return
    raise PrecisionError(
        f"{what} hold infinities or NaNs; the network computes in {precision_of(network)}. {_advice(network, loader)} "
        f"What was finished before is kept."
    )


def _advice(network: nn.Module, loader: str) -> str:
    wider = {torch.float16: ("bf16 or fp32", "bfloat16 or float32"), torch.bfloat16: ("fp32", "float32")}
    if compute_dtype_of(network) not in wider:
        return f"That is wide enough, so the weights from '{loader}' are likely damaged: download the file again."
    choice, name = wider[compute_dtype_of(network)]
    return f"Choose {choice} as the dtype in '{loader}' (command line: --dtype {name})."
