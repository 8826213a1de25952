"""Weights files: their first bytes, their headers, their pickles, and the names and shapes of their tensors."""

from __future__ import annotations

import io
import json
import re
import struct
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import torch

from hallo2_core.checkpoints.build import load_hallo2, load_vae
from hallo2_core.checkpoints.catalogue import CATALOGUE
from hallo2_core.checkpoints.installed import file_problem
from hallo2_core.checkpoints.lora import METADATA_KEY as LORA_KEY
from hallo2_core.checkpoints.lora import few_steps_of, read_lora
from hallo2_core.checkpoints.motion_modules import motion_weights
from hallo2_core.checkpoints.picture_model import picture_weights
from hallo2_core.checkpoints.read import read_tensors
from hallo2_core.checkpoints.speech_encoder import load_speech_encoder
from hallo2_core.checkpoints.text_control import METADATA_KEY as TEXT_KEY
from hallo2_core.checkpoints.text_control import load_text_adapter
from hallo2_core.checkpoints.upscaler import load_upscaler
from hallo2_core.checkpoints.vae_scaling import check_latent_scaling
from hallo2_core.errors import CheckpointError

from .target import Target, text_of
from .work import JSON

MOST_SHAPED_BYTES = 1 << 20  # of a sparse file that stands for the data


def header(data: bytes, folder: Path) -> object:
    """The JSON of a safetensors file, with as many zeros after it as it seems to need. Read whole, it holds the same as
    mapped, which another library reads; only dtypes may be unknown."""
    path = folder / "header.safetensors"
    ends = [int(end) for end in re.findall(rb"\[[0-9 ]+,\s*([0-9]{1,4})\s*\]", data)]
    path.write_bytes(struct.pack("<Q", len(data)) + data + bytes(max(ends, default=0)))
    try:
        whole = _all_values(path, False)
    except CheckpointError:
        return _all_values(path, True)
    assert whole == _all_values(path, True)
    return whole


def _all_values(path: Path, use_mmap: bool) -> dict[str, tuple[int, ...]]:
    weights = read_tensors(path, use_mmap=use_mmap)
    assert all(weights.take(key, torch.float32).shape == tensor.shape for key, tensor in weights.items())
    return weights.shapes


def file(data: bytes, folder: Path) -> object:
    """A whole file of any kind, as the check of installed files and the loaders see it."""
    path = folder / "file.bin"
    path.write_bytes(data)
    problems = [file_problem(CATALOGUE[0], path), *(file_problem(one, path) for one in CATALOGUE if not one.contents)]
    return problems, _all_values(path, len(data) % 2 == 0)


def pickle(data: bytes, folder: Path) -> object:
    """The pickle inside what torch.save writes; tensors take their values from small storages."""
    path = folder / "pickle.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/data.pkl", data)
        archive.writestr("a/byteorder", "little")
        for number, size in enumerate((16, 8, 2)):  # as many bytes as the seeds take
            archive.writestr(f"a/data/{number}", bytes(size))
        archive.writestr("a/version", "3\n")
    return _all_values(path, False)


def scaling(data: bytes, folder: Path) -> object:
    (folder / "config.json").write_bytes(data)
    return check_latent_scaling(folder / "vae.safetensors")


def metadata(data: bytes, folder: Path) -> object:
    """Of LoRAs and text adapters."""
    path, text = folder / "metadata.safetensors", text_of(data).encode("utf-8", "replace").decode()
    tensor, other = ({"dtype": "F32", "shape": [2, 2], "data_offsets": [at, at + 16]} for at in (0, 16))
    facts = {"__metadata__": {LORA_KEY: text, TEXT_KEY: text}, "a.lora_A.weight": tensor, "a.lora_B.weight": other}
    content = json.dumps(facts).encode()
    path.write_bytes(struct.pack("<Q", len(content)) + content + bytes(32))
    return load_text_adapter(path) if b"block_widths" in data else (read_lora(path), few_steps_of(path))


def shapes(data: bytes, folder: Path) -> object:
    """The first byte chooses a kind of file; each line of the rest changes tensors of a small valid one:
    `-PATTERN` removes, `KEY SHAPE` adds or reshapes, `*PATTERN SHAPE` reshapes all that match."""
    base, load = list(_bases().values())[data[0] % len(_bases()) if data else 0]
    changed = dict(base)
    for line in text_of(data[1:]).split("\n"):
        key, *sides = line.split()[:6] or [""]
        shape = [min(int(side), 10**12) for side in sides if re.fullmatch("[0-9]{1,15}", side)]
        if key[:1] in ("-", "*") and len(key) > 1:
            for matching in [one for one in changed if key[1:] in one]:
                if key[0] == "-":
                    del changed[matching]
                else:
                    changed[matching] = shape
        elif key:
            changed[key] = shape
    return load(_shaped_file(folder / "shapes.safetensors", changed))


def _shaped_file(path: Path, shapes: dict[str, list[int]]) -> Path:
    """All tensors are zeros: of a sparse file, and empty once that is full, as a truncated one would be refused."""
    entries, position = {}, 0
    for key, shape in shapes.items():
        size = 2
        for side in shape:
            size *= side
        if position + size > MOST_SHAPED_BYTES:
            shape, size = [0, *shape[1:]], 0
        entries[key] = {"dtype": "F16", "shape": shape, "data_offsets": [position, position + size]}
        position += size
    content = json.dumps(entries).encode("utf-8", "replace")
    with path.open("wb") as out:
        out.write(struct.pack("<Q", len(content)) + content)
        out.truncate(8 + len(content) + position)
    return path


@cache
def _bases() -> dict[str, tuple[dict[str, list[int]], Callable[[Path], object]]]:
    """Small valid files: kind → (the shapes of its tensors, what reads it)."""
    import transformers.models.wav2vec2.modeling_wav2vec2  # noqa: F401 - takes seconds, once
    from tiny import VAE, models

    from hallo2_core.checkpoints.networks import PREFIXES
    from hallo2_core.checkpoints.small_model import SMALL_UPSCALER
    from hallo2_core.models.layers import Build
    from hallo2_core.models.upscaler.video_restorer import VideoRestorer
    from hallo2_core.models.vae import AutoencoderKL

    meta = Build(dtype=torch.float16, device="meta")
    tiny = models(Build(dtype=torch.float16))

    def of(networks: dict[str, torch.nn.Module]) -> dict[str, list[int]]:
        return {
            f"{prefix}{key}": list(x.shape) for prefix, net in networks.items() for key, x in net.state_dict().items()
        }

    unet = of({"": tiny.denoising_unet})
    speech = {
        f"wav2vec2.feature_extractor.conv_layers.{layer}.conv.weight": [8, 8 if layer else 1, kernel]
        for layer, kernel in enumerate((10, 3, 3, 3, 3, 2, 2))
    } | {
        "wav2vec2.feature_projection.projection.weight": [64, 8],
        "wav2vec2.encoder.pos_conv_embed.conv.weight_v": [64, 4, 16],
        "wav2vec2.encoder.layers.0.feed_forward.intermediate_dense.weight": [32, 64],
    }
    return {
        "hallo2": (of({prefix: getattr(tiny, name) for name, prefix in PREFIXES.items()}), load_hallo2),
        "vae": (of({"": AutoencoderKL(VAE, meta)}), load_vae),
        "upscaler": (of({"": VideoRestorer(SMALL_UPSCALER, meta)}), load_upscaler),
        "speech": (speech, load_speech_encoder),
        "unet": ({key: x for key, x in unet.items() if "motion" not in key and "audio" not in key}, picture_weights),
        "motion": ({key: x for key, x in unet.items() if "motion" in key}, motion_weights),
    }


@cache
def _torch_file(content: str, legacy: bool = False) -> bytes:
    tensors = {
        "tensors": {"a.weight": torch.ones(2, 2), "b": torch.zeros(1, dtype=torch.int64)},
        "wrapped": {"state_dict": {"module.a": torch.ones(4)}, "step": 3},
    }[content]
    written = io.BytesIO()
    torch.save(tensors, written, _use_new_zipfile_serialization=not legacy)
    return written.getvalue()


def _pickle_of(content: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(_torch_file(content))) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("data.pkl")]
        return archive.read(name)


TENSOR = b'{"a": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}}'
OPCODES = tuple(bytes([code]) for code in b"\x80().]}0RbtqhKJMXcQusee\x85\x86\x87\x94\x8c\x89\x88NG")

WEIGHTS = (
    Target(
        "header",
        header,
        lambda: (
            TENSOR,
            b'{"__metadata__": {"format": "pt"}, "a": {"dtype": "BF16", "shape": [], "data_offsets": [0, 2]}}',
        ),
        (
            *JSON,
            b'"shape"',
            b'"dtype"',
            b'"data_offsets"',
            b'"__metadata__"',
            b'"F8_E4M3"',
            b'"F64"',
            b"[0,0]",
            b"[0,64]",
        ),
    ),
    Target(
        "file",
        file,
        lambda: (
            struct.pack("<Q", len(TENSOR)) + TENSOR + bytes(16),
            _torch_file("tensors"),
            _torch_file("wrapped"),
            _torch_file("tensors", legacy=True),
            b"version https://git-lfs.github.com/spec/v1\n",
            b"\x08\x01\x12\x00",
        ),
        (
            b"PK\x03\x04",
            b"PK\x01\x02",
            b"PK\x05\x06",
            b"\x80\x02",
            b"\xff\xff\xff\xff",
            b"\x00" * 8,
            b"data.pkl",
            *OPCODES,
        ),
    ),
    Target(
        "pickle",
        pickle,
        lambda: (_pickle_of("tensors"), _pickle_of("wrapped")),
        (
            *OPCODES,
            b"ctorch._utils\n_rebuild_tensor_v2\n",
            b"ctorch\nFloatStorage\n",
            b"ccollections\nOrderedDict\n",
            b"cos\nsystem\n",
        ),
    ),
    Target("scaling", scaling, lambda: (b'{"scaling_factor": 0.18215}', b"[]"), (*JSON, b'"scaling_factor"')),
    Target(
        "metadata",
        metadata,
        lambda: (
            b'{"format": 1, "alpha": 4, "few_steps": {"steps": 4, "guidance": 1.0}}',
            b'{"format": 1, "block_widths": [32, 64], "layers_per_block": 1, "text_width": 8, "hidden_width": 8}',
        ),
        (
            *JSON,
            b'"format"',
            b'"alpha"',
            b'"few_steps"',
            b'"steps"',
            b'"guidance"',
            b'"block_widths"',
            b'"layers_per_block"',
        ),
    ),
    Target(
        "shapes",
        shapes,
        lambda: _bases()
        and (
            b"\x00*norm1.weight 33",
            b"\x00-face_locator.conv_out",
            b"\x01encoder.down_blocks.9.resnets.0.conv1.weight 8 8 3 3",
            b"\x02position_emb 17 8",
            b"\x03wav2vec2.encoder.layers.x 1",
            b"\x04-conv_in",
            b"\x05-pos_encoder",
        ),
        (
            b"\n*",
            b"\n-",
            b" 0",
            b" 1",
            b" 999999999",
            b"conv1.weight",
            b"down_blocks.",
            b"999999999.",
            b"norm",
            b"resnets.",
            b"audioproj.norm.weight",
            b"imageproj.norm.weight 0",
            b"face_locator.blocks.",
            b"ft_layers.",
            b"encoder.blocks.",
        ),
    ),
)
