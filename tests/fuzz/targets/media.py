"""Containers: what is parsed by hand, and what libav makes of damaged files."""

from __future__ import annotations

import io
import struct
import wave
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from itertools import islice
from pathlib import Path

import torch

from hallo2_core.audio.sound_decoding import decoded_blocks
from hallo2_core.portrait.picture import load_picture
from hallo2_core.video.clips import encode_clip, opened_clips, packets_of
from hallo2_core.video.growing import boxes
from hallo2_core.video.metadata import read_record
from hallo2_core.video.orientation import orientation_from
from hallo2_core.video.reader import probe, read_frames
from hallo2_core.video.settings import VideoSettings
from hallo2_core.video.still import first_picture

from .target import Target

FRAMES, BLOCKS = 4, 4  # of a damaged file: the rest is read in the same way
FPS = Fraction(25)


def mp4_boxes(data: bytes, _folder: Path) -> object:
    found = list(boxes(data))
    assert b"".join(box for _kind, box in found) == data
    return found


def display_matrix(data: bytes, _folder: Path) -> object:
    return orientation_from(data, "a.mp4", 30.0)


def video(data: bytes, folder: Path) -> object:
    path = _written(folder / "a.mp4", data)
    probe(path), read_record(path), first_picture(path, 16)
    return list(islice(read_frames(path), FRAMES))


def sound(data: bytes, folder: Path) -> object:
    return list(islice(decoded_blocks(_written(folder / "a.wav", data)), BLOCKS))


def picture(data: bytes, folder: Path) -> object:
    return load_picture(_written(folder / "a.png", data))


def clips(data: bytes, folder: Path) -> object:
    with opened_clips(_written(folder / "clips-0000.ts", data)) as container:
        return list(packets_of(container, 2, FPS))


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@cache
def _clip() -> bytes:
    return encode_clip(torch.zeros(2, 16, 16, 3, dtype=torch.uint8), 0, FPS, VideoSettings(preset="ultrafast"))


@cache
def _mp4() -> bytes:
    import av

    written = io.BytesIO()
    with av.open(written, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width = stream.height = 16
        for _ in range(2):
            container.mux(stream.encode(av.VideoFrame(16, 16, "yuv420p")))
        container.mux(stream.encode(None))
    return written.getvalue()


@cache
def _wav() -> bytes:
    written = io.BytesIO()
    with wave.open(written, "wb") as file:
        file.setparams((2, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(64))
    return written.getvalue()


@cache
def _png() -> bytes:
    from PIL import Image

    written = io.BytesIO()
    Image.new("RGBA", (4, 4)).save(written, "PNG")
    return written.getvalue()


def _matrix(*values: int) -> bytes:
    return struct.pack("=9i", *values)


def _kinds() -> Iterator[bytes]:
    yield from (
        b"moov",
        b"mvhd",
        b"trak",
        b"stsd",
        b"avc1",
        b"mdat",
        b"udta",
        b"ftyp",
        b"\x00\x00\x00\x00",
        b"\x00\x00\x00\x01",
    )
    yield from (
        b"\xff\xff\xff\xff",
        b"\x7f\xff\xff\xff",
        b"\x80\x00\x00\x00",
        b"RIFF",
        b"fmt ",
        b"data",
        b"IHDR",
        b"IDAT",
        b"\x47",
    )


MEDIA = (
    Target(
        "boxes",
        mp4_boxes,
        lambda: (struct.pack(">I4s", 12, b"ftyp") + b"isom" + struct.pack(">I4s", 8, b"moov"),),
        tuple(_kinds()),
    ),
    Target(
        "display_matrix",
        display_matrix,
        lambda: (
            _matrix(1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30),
            _matrix(0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30),
        ),
        tuple(_kinds()),
    ),
    Target("video", video, lambda: (_mp4(),), tuple(_kinds())),
    Target("sound", sound, lambda: (_wav(), _mp4()), tuple(_kinds())),
    Target("picture", picture, lambda: (_png(),), tuple(_kinds())),
    Target("clips", clips, lambda: (_clip(),), tuple(_kinds())),
)
