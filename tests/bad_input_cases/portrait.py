"""Portraits: what is no picture, damaged, extreme or without a face; and formats that are."""

from __future__ import annotations

from hallo2_core.animation.render import Render

from .case import MEDIA, PORTRAIT, Case, animate

# File of `media.py` → part of the refusal.
REFUSED = {
    "missing.png": "There is no picture",
    "empty.bin": "is empty",
    "a_folder": "a_folder",
    "pipe": "pipe cannot be read",
    "noise.bin": "not a readable picture",
    "page.html": "is a web page",
    "lfs_pointer.wav": "git-lfs pointer",
    "drawing.svg": "is an SVG drawing",
    "document.pdf": "is a PDF document",
    "photo.heic": "is a HEIC picture",
    "sound.mp4": "is a video",
    "short.wav": "not a readable picture",
    "half.png": "half.png cannot be read",
    "header_only.png": "header_only.png",
    "half.jpg": "half.jpg cannot be read",
    "bomb.png": "bomb.png has more than 178 megapixels",
    "nan.tiff": "NaN or infinite",
    "beyond.tiff": "0 to 1 was expected",
    "no_face.png": "No face was found",
    "one_pixel.png": "No face was found",
    "black.png": "No face was found",
    "clear.png": "No face was found",
}
HANDLED = (
    "grey.png", "sixteen_bit.png", "palette.png", "transparent.png", "cmyk.jpg", "turned.jpg", "portrait.webp",
    "portrait.gif", "portrait.bmp", "png_named.jpg", "float.tiff", "large.png",
)  # fmt: skip


def is_like_the_portrait(render: Render) -> bool:
    """Its face is where it is in the original, upright, and neither black nor inverted."""
    found, expected = render.inputs.reference.portrait.pixels, _original().pixels
    return found.shape == expected.shape and float((found - expected).abs().mean()) < 0.15


def _original():  # noqa: ANN202
    from hallo2_core.portrait.face_analysis import built_in_face_analysis
    from hallo2_core.portrait.picture import load_picture
    from hallo2_core.portrait.prepare import prepare_portrait

    return prepare_portrait(load_picture(PORTRAIT), built_in_face_analysis(), 64, 64)


CASES = [
    *(Case(name, animate(portrait=MEDIA + name), said) for name, said in REFUSED.items()),
    *(Case(name, animate(portrait=MEDIA + name), is_right=is_like_the_portrait) for name in HANDLED),
    Case("--face-mask black.png", animate(face_mask=MEDIA + "black.png"), "mask is empty"),
    Case("--face-mask missing.png", animate(face_mask=MEDIA + "missing.png"), "There is no picture"),
    Case("--face-mask short.wav", animate(face_mask=MEDIA + "short.wav"), "not a readable picture"),
    Case("--lip-mask black.png", animate(lip_mask=MEDIA + "black.png"), "mask is empty"),
    Case("--face-index 1", animate(face_index=1), "Face number 1"),
    Case("--face-index -1", animate(face_index=-1), "Face number -1"),
    Case("--whole-picture without a face", animate("--whole-picture", portrait=MEDIA + "no_face.png"),
         is_right=lambda render: render.inputs.reference.portrait.width == 64),
]  # fmt: skip
