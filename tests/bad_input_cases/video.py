"""Videos to upscale, inspect and evaluate: what is none, is damaged or extreme; and those that are read as they are."""

from __future__ import annotations

from .case import MEDIA, OUT, PORTRAIT, Case, command, upscale

# File of `media.py` → part of the refusal.
REFUSED = {
    "missing.mp4": "There is no video",
    "empty.bin": "is empty",
    "a_folder": "There is no video",
    "pipe": "There is no video",
    "noise.bin": "cannot be read as a video",
    "page.html": "is a web page",
    "short.wav": "holds no pictures",
    "cut_index.mp4": "cannot be read as a video",
    "header_only.mp4": "header_only.mp4",
    "text.txt": "is a text file",
    "two_sizes.ts": "changes its size from 32x32 to 48x32 px",
}
HANDLED = (
    "plain.mp4",
    "sound.mp4",
    "odd.mkv",
    "one_frame.mp4",
    "ten_bit.mkv",
    "grey.mkv",
    "turned.mp4",
    "empty_matrix.mp4",
)

CASES = [
    *(Case(name, upscale(video=MEDIA + name), said) for name, said in REFUSED.items()),
    *(Case(name, upscale(video=MEDIA + name), is_right=lambda status: status == 0) for name in HANDLED),
    Case("inspect a sound", command("inspect", MEDIA + "short.wav", out=OUT + "new"), "holds no pictures"),
    Case("inspect a missing video", command("inspect", MEDIA + "missing.mp4", out=OUT + "new"), "missing.mp4"),
    Case("inspect two sizes", command("inspect", MEDIA + "two_sizes.ts", out=OUT + "new"), "changes its size"),
    Case("evaluate two sizes", command("evaluate", MEDIA + "two_sizes.ts", out=OUT + "new"), "changes its size"),
    Case("inspect noise", command("inspect", MEDIA + "noise.bin", out=OUT + "new"), "cannot be read as a video"),
    Case("inspect in clips of no frames", command("inspect", MEDIA + "plain.mp4", out=OUT + "new", clip_frames=0),
         "A clip has 0 frames"),
    Case("inspect with a sound as portrait",
         command("inspect", MEDIA + "plain.mp4", out=OUT + "new", portrait=MEDIA + "short.wav"), "readable picture"),
    Case("evaluate a missing video", command("evaluate", MEDIA + "missing.mp4", out=OUT + "new"), "missing.mp4"),
    Case("evaluate against another size",
         command("evaluate", MEDIA + "plain.mp4", out=OUT + "new", reference=MEDIA + "odd.mkv"), "Resize one of them"),
    Case("evaluate by an unknown metric",
         command("evaluate", MEDIA + "plain.mp4", out=OUT + "new", metrics="beauty"), "beauty"),
    Case("evaluate a picture", command("evaluate", PORTRAIT, out=OUT + "new", metrics="psnr"), "reference"),
]  # fmt: skip
