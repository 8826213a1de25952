"""Key map: names in `net_g.pth` (under `params_ema`) → ours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

import torch
from torch import Tensor

from ..errors import CheckpointError

# A name that ends in "." stands for everything below it; "*" stands for a number. Every key of the file matches exactly
# one row. torch's MultiheadAttention keeps query, key and value in one tensor; ours are two layers, because only
# queries and keys get the position. Such a key has two names: for the first 2/3 of its rows, and for the rest.
UPSCALER_KEYS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("encoder.", ("encoder.",)),
    ("generator.", ("generator.",)),
    ("quantize.embedding.weight", ("codebook.embedding.weight",)),
    ("position_emb", ("position_embedding.weight",)),
    ("feat_emb.", ("feature_embedding.",)),
    ("ft_layers.*.norm1.", ("temporal_alignment.*.spatial_norm.",)),
    (
        "ft_layers.*.self_attn.in_proj_weight",
        ("temporal_alignment.*.spatial_attn.to_qk.weight", "temporal_alignment.*.spatial_attn.to_v.weight"),
    ),
    (
        "ft_layers.*.self_attn.in_proj_bias",
        ("temporal_alignment.*.spatial_attn.to_qk.bias", "temporal_alignment.*.spatial_attn.to_v.bias"),
    ),
    ("ft_layers.*.self_attn.out_proj.", ("temporal_alignment.*.spatial_attn.to_out.",)),
    ("ft_layers.*.norm2.", ("temporal_alignment.*.spatial_ff_norm.",)),
    ("ft_layers.*.linear1.", ("temporal_alignment.*.spatial_ff.linear1.",)),
    ("ft_layers.*.linear2.", ("temporal_alignment.*.spatial_ff.linear2.",)),
    ("ft_layers.*.temp_norm.", ("temporal_alignment.*.temporal_norm.",)),
    (
        "ft_layers.*.temp_attn.in_proj_weight",
        ("temporal_alignment.*.temporal_attn.to_qk.weight", "temporal_alignment.*.temporal_attn.to_v.weight"),
    ),
    (
        "ft_layers.*.temp_attn.in_proj_bias",
        ("temporal_alignment.*.temporal_attn.to_qk.bias", "temporal_alignment.*.temporal_attn.to_v.bias"),
    ),
    ("ft_layers.*.temp_attn.out_proj.", ("temporal_alignment.*.temporal_attn.to_out.",)),
    ("ft_layers.*.temp_ffn_norm.", ("temporal_alignment.*.temporal_ff_norm.",)),
    ("ft_layers.*.temp_linear1.", ("temporal_alignment.*.temporal_ff.linear1.",)),
    ("ft_layers.*.temp_linear2.", ("temporal_alignment.*.temporal_ff.linear2.",)),
    ("idx_pred_layer.", ("code_head.",)),
    ("fuse_convs_dict.*.encode_enc.", ("fusion.*.merge.",)),
    ("fuse_convs_dict.*.scale.", ("fusion.*.scale.",)),
    ("fuse_convs_dict.*.shift.", ("fusion.*.shift.",)),
    ("latent_encoder.", ("latent_encoder.",)),  # not in the release: the paper's other design, untrained
)


def _pattern(theirs: str) -> re.Pattern[str]:
    below = r"(?P<below>.+)" if theirs.endswith(".") else ""
    return re.compile(re.escape(theirs).replace(r"\*", r"(?P<number>\d+)") + below)


_PATTERNS = tuple((_pattern(theirs), ours) for theirs, ours in UPSCALER_KEYS)


def matching_rows(key: str) -> list[tuple[str, ...]]:
    """Our names of a key, one entry per matching row of the table; exactly one is correct."""
    found = []
    for pattern, ours in _PATTERNS:
        if match := pattern.fullmatch(key):
            groups = match.groupdict()
            found.append(tuple(name.replace("*", groups.get("number", "")) + groups.get("below", "") for name in ours))
    return found


def names_of(key: str) -> tuple[str, ...]:
    """Our names of a key of the file. Errors: CheckpointError for an unknown key."""
    rows = matching_rows(key)
    if not rows:
        raise CheckpointError(
            f"The upscaler's file contains '{key}', which is not part of Hallo2's net_g.pth. "
            "Download net_g.pth again, or choose another file."
        )
    return rows[0]


def renamed(tensors: Iterable[tuple[str, Tensor]]) -> Iterator[tuple[str, Tensor]]:
    """Each tensor of the file under our name; views, no copies. Errors: CheckpointError for an unknown key."""
    for key, tensor in tensors:
        names = names_of(key)
        if len(names) == 1:
            yield names[0], tensor
        else:
            third = tensor.shape[0] // 3
            yield names[0], tensor[: 2 * third]
            yield names[1], tensor[2 * third :]


def released_names(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The opposite of `renamed`: our network's tensors under the names of the file."""
    released = {}
    for theirs, ours in UPSCALER_KEYS:
        first = _pattern(ours[0])
        for name, tensor in state.items():
            if match := first.fullmatch(name):
                groups = match.groupdict()
                number, below = groups.get("number", ""), groups.get("below", "")
                others = [state[other.replace("*", number) + below] for other in ours[1:]]
                released[theirs.replace("*", number) + below] = torch.cat([tensor, *others]) if others else tensor
    return released
