"""Draw the pictures of the nodes' help, js/docs/images/NAME.webp, with the demo model and from docs/images.

    python tools/draw_help_pictures.py [NAME …]

Draw them again when the demo model, docs/images or a picture's settings have changed. Half a minute on two cores.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import torch
from einops import rearrange, repeat
from PIL import Image
from torch import Tensor

from hallo2_core.animation.animate import animate
from hallo2_core.animation.inputs import AnimationInputs
from hallo2_core.animation.motion_presets import PRESETS, with_preset
from hallo2_core.animation.motion_settings import MotionSettings
from hallo2_core.animation.patch_drop import preview_motion_frames
from hallo2_core.animation.reference_banks import build_reference
from hallo2_core.animation.sampler_config import SamplerConfig
from hallo2_core.audio.sound_file import FileAudio
from hallo2_core.audio.speech_embeddings import encode_speech
from hallo2_core.checkpoints.demo import demo_hallo2, demo_speech_encoder
from hallo2_core.checkpoints.small_model import SMALL_SETTINGS
from hallo2_core.config import PIXELS_PER_LATENT
from hallo2_core.examples import CONVERSATION, PORTRAIT, TWO_FACES
from hallo2_core.models.latents import VAECodec
from hallo2_core.payloads import Portrait
from hallo2_core.portrait.face_analysis import built_in_face_analysis
from hallo2_core.portrait.picture import load_picture
from hallo2_core.portrait.prepare import prepare_portrait
from hallo2_core.runtime import LocalRuntime
from hallo2_core.upscaling.paste_back import find_place, paste

ROOT = Path(__file__).parents[1]
FROM, TO = ROOT / "docs" / "images", ROOT / "js" / "docs" / "images"
QUALITY, GAP_PX, TILE_PX = 80, 4, 192
MOVING_PX, MOVING_FRAMES, MOVING_MS = 192, range(8, 56, 2), 160  # of demo.webp, 80 ms a frame
FEATHER = 0.08
DEMO_SIZE = (SMALL_SETTINGS.side_px, SMALL_SETTINGS.side_px)


def main() -> None:
    TO.mkdir(exist_ok=True)
    for name in sys.argv[1:] or PICTURES:
        first, *others = PICTURES[name]()
        options = {"save_all": True, "append_images": others, "duration": MOVING_MS, "loop": 0} if others else {}
        first.save(TO / f"{name}.webp", quality=QUALITY, method=6, **options)


def sample_video() -> list[Image.Image]:
    """Four seconds of the demo's video, moving."""
    with Image.open(FROM / "demo.webp") as moving:
        return [_shrunk(_frame(moving, number), MOVING_PX) for number in MOVING_FRAMES]


def _frame(moving: Image.Image, number: int) -> Image.Image:
    moving.seek(number)
    return moving.convert("RGB")


def example_inputs() -> list[Image.Image]:
    pictures = [Image.open(path).convert("RGB") for path in (PORTRAIT, TWO_FACES)]
    return [_row([_shrunk(picture, picture.width * TILE_PX // picture.height) for picture in pictures])]


def prepared() -> list[Image.Image]:
    """The crop, and the face, lip and pose masks on it: bright where speech acts."""
    portrait = _portrait(PORTRAIT, (512, 512))
    crop, masks = _crop(portrait), (portrait.masks.face, portrait.masks.lip, portrait.masks.pose)
    shown = [crop, *(crop * (0.2 + 0.8 * _full_size(levels[0], portrait)) for levels in masks)]
    return [_row([_picture(tile).resize((TILE_PX, TILE_PX), Image.Resampling.BICUBIC) for tile in shown])]


def _crop(portrait: Portrait) -> Tensor:
    """(h w 3), 0..1"""
    return rearrange(portrait.pixels / 2 + 0.5, "c h w -> h w c")


def _full_size(mask: Tensor, portrait: Portrait) -> Tensor:
    """mask: (h w) at the scale of the latents.  Returns (h w 1), at the size of the video."""
    side = PIXELS_PER_LATENT
    return repeat(mask, "(h w) -> (h p) (w q) 1", h=portrait.height // side, p=side, q=side)


def motion_frames() -> list[Image.Image]:
    """What the network sees before the first clip, with the presets of the release and the paper."""
    portrait = _portrait(PORTRAIT)
    seen = [preview_motion_frames(with_preset(preset, MotionSettings()), portrait)[0] for preset in PRESETS]
    shown = [_crop(portrait), *seen]
    return [_row([_picture(tile).resize((TILE_PX, TILE_PX), Image.Resampling.NEAREST) for tile in shown])]


def paste_back() -> list[Image.Image]:
    """A frame with both faces of the example pasted back, one after another."""
    canvas = _to_bytes(load_picture(TWO_FACES))
    for face_index in range(2):
        portrait = _portrait(TWO_FACES, DEMO_SIZE, "face", face_index)
        canvas = paste(canvas, _spoken(portrait), find_place(portrait, *canvas.shape[:2], FEATHER))
    return [Image.fromarray(canvas.numpy())]


def _spoken(portrait: Portrait) -> Tensor:
    """(h w 3) uint8: the last frame of the demo model's first clip."""
    runtime, models = LocalRuntime(), demo_hallo2()
    codec = VAECodec(models.vae, runtime)
    sampler = SamplerConfig(steps=SMALL_SETTINGS.steps, guidance=SMALL_SETTINGS.guidance)
    inputs = AnimationInputs(models, build_reference(models, portrait, codec, runtime), MotionSettings(), sampler)
    speech = encode_speech(FileAudio(CONVERSATION), demo_speech_encoder(), Fraction(25))
    clip = next(animate(inputs, speech, codec, runtime))
    return _to_bytes(clip.frames.whole()[-1])


def _to_bytes(picture: Tensor) -> Tensor:
    """picture: (h w 3), 0..1."""
    return (picture * 255.0).round().to(torch.uint8)


def _portrait(picture: Path, size: tuple[int, int] = DEMO_SIZE, crop: str = "auto", face_index: int = 0) -> Portrait:
    return prepare_portrait(load_picture(picture), built_in_face_analysis(), *size, crop=crop, face_index=face_index)


def _documented(name: str, width: int) -> list[Image.Image]:
    """A picture of the documentation, at most `width` wide."""
    return [_shrunk(Image.open(FROM / name).convert("RGB"), width)]


def _shrunk(picture: Image.Image, width: int) -> Image.Image:
    if picture.width <= width:
        return picture
    return picture.resize((width, round(picture.height * width / picture.width)), Image.Resampling.LANCZOS)


def _picture(values: Tensor) -> Image.Image:
    """values: (h w 3), 0..1."""
    return Image.fromarray(_to_bytes(values).numpy())


def _row(tiles: Sequence[Image.Image]) -> Image.Image:
    height = max(tile.height for tile in tiles)
    row = Image.new("RGB", (sum(tile.width + GAP_PX for tile in tiles) - GAP_PX, height), "white")
    left = 0
    for tile in tiles:
        row.paste(tile, (left, (height - tile.height) // 2))
        left += tile.width + GAP_PX
    return row


PICTURES = {
    "accelerate": lambda: _documented("acceleration.png", 800),
    "attention_maps": lambda: _documented("attention_maps_demo.png", 900),
    "example_inputs": example_inputs,
    "inspect_video": lambda: _documented("inspect_demo.png", 900),
    "motion_frames": motion_frames,
    "paste_back": paste_back,
    "prepare_portrait": prepared,
    "sample_video": sample_video,
    "text_prompts": lambda: _documented("timeline_prompts.png", 800),
    "upscale_video": lambda: _documented("paper_upscaler.webp", 900),
    "weight_timeline": lambda: _documented("timeline_weights.png", 800),
}

if __name__ == "__main__":
    main()
