"""Weights files: missing, damaged, of something else, with code in them."""

from __future__ import annotations

from .case import MEDIA, OUT, Case, Place, animate, command, upscale

# File of `media.py` → part of the refusal.
FILES = {
    "missing.pth": "There is no file missing.pth",
    "a_folder": "is a folder",
    "empty.bin": "is empty (0 bytes)",
    "noise.bin": "noise.bin",
    "page.html": "a web page",
    "lfs_pointer.wav": "a git-lfs pointer",
    "error.json": "JSON text",
    "model.gguf": "a GGUF file",
    "archive.gz": "a gzip archive",
    "archive.zip": "archive.zip",
    "half.safetensors": "half.safetensors",
    "bad_header.safetensors": "is damaged",
    "long_header.safetensors": "long_header.safetensors",
    "no_tensors.safetensors": "without tensors",
    "half.pth": "half.pth",
    "code.pth": "Loading them can run code",
    "old_code.pth": "Loading them can run code",
    "list.pth": "not named tensors",
    "numbers.pth": "no tensors",
    "pipe": "pipe is not a file",
    "other.safetensors": "other.safetensors",
    "integers.safetensors": "integers.safetensors",
}


def model(name: str):  # noqa: ANN201
    """net.pth, where VAE and speech encoder are named too."""
    return animate(model=MEDIA + name, vae=MEDIA + "other.safetensors", speech_encoder=MEDIA + "other.safetensors")


def _existing(place: Place) -> None:
    (place.folder / "out.safetensors").write_bytes(b"kept")


CASES = [
    *(Case(f"net.pth: {name}", model(name), said) for name, said in FILES.items()),
    *(Case(f"net_g.pth: {name}", upscale(model=MEDIA + name), said) for name, said in FILES.items()),
    Case("net.pth alone", animate(model=MEDIA + "other.safetensors"), "needs --vae and --speech-encoder too"),
    Case("--lora for the demo", animate(lora=MEDIA + "other.safetensors"), "another model than the demo's"),
    Case("--speech-encoder of something else", animate(speech_encoder=MEDIA + "other.safetensors"),
         "other.safetensors"),
    Case("--speech-encoder missing", animate(speech_encoder=MEDIA + "missing.pth"), "missing.pth"),
    Case("--text-adapter of something else", animate(text="0- happy", text_adapter=MEDIA + "other.safetensors"),
         "other.safetensors"),
    Case("--text-adapter missing", animate(text="0- happy", text_adapter=MEDIA + "missing.pth"), "missing.pth"),
    Case("--clip without a model", animate(text="0- happy", clip=MEDIA + "a_folder"), "a_folder"),
    Case("--clip missing", animate(text="0- happy", clip=MEDIA + "missing"), "missing"),
    Case("--face-models missing", animate(face_models=MEDIA + "missing"), "scrfd_10g_bnkps.onnx"),
    Case("--face-models empty", animate(face_models=MEDIA + "a_folder"), "scrfd_10g_bnkps.onnx"),
    Case("--face-models damaged", animate(face_models=MEDIA + "damaged_faces"), "scrfd_10g_bnkps.onnx"),
    Case("convert a pickle with code", command("convert", MEDIA + "code.pth", OUT + "out.safetensors"), "run code"),
    Case("convert what is missing", command("convert", MEDIA + "missing.pth", OUT + "out.safetensors"), "missing.pth"),
    Case("convert over a file", command("convert", MEDIA + "weights.pth", OUT + "out.safetensors"), "out.safetensors",
         prepare=_existing),
    Case("convert", command("convert", MEDIA + "weights.pth", OUT + "out.safetensors"),
         is_right=lambda status: status == 0),
    Case("check what is no folder", command("check", models=MEDIA + "missing"), "missing"),
]  # fmt: skip
