"""The fingerprint of a set of weights, independent of the file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import torch
from torch import Tensor, nn

SAMPLED_NUMBERS = 64  # of each tensor


def weights_fingerprint(networks: Mapping[str, nn.Module]) -> str:
    """Of networks by their prefixes."""
    return tensors_fingerprint(
        {prefix + key: tensor for prefix, network in networks.items() for key, tensor in network.state_dict().items()}
    )


def tensors_fingerprint(tensors: Mapping[str, Tensor]) -> str:
    """A hash over names, shapes, dtypes and a fixed sample of the values: payloads have no paths, and hashing gigabytes
    would take longer than loading them."""
    digest = hashlib.sha256()
    for key, tensor in tensors.items():
        digest.update(f"{key} {tuple(tensor.shape)} {tensor.dtype}".encode())
        flat = tensor.detach().flatten()
        step = max(flat.numel() // SAMPLED_NUMBERS, 1)
        sample = flat[::step][:SAMPLED_NUMBERS].to("cpu", torch.float32)
        digest.update(sample.numpy().tobytes())
    return digest.hexdigest()[:32]
