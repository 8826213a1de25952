"""Writes small media and weights, sound and spoiled: the files that the cases name."""

from __future__ import annotations

import gzip
import json
import os
import pickle
import shutil
import struct
import wave
import zipfile
import zlib
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

from .case import EXAMPLES, PORTRAIT, VOICE

RATE_HZ, SECONDS = 22050, 0.4
NO_FACE = Path(__file__).parents[1] / "media" / "no_face.png"
FLOAT, PCM = 3, 1  # WAV's formats


def write_media(folder: Path) -> None:
    for write in (_texts, _sounds, _pictures, _videos, _weights):
        write(folder)
    (folder / "a_folder").mkdir()
    if os.name == "posix":
        os.mkfifo(folder / "pipe")  # whoever opens it waits for ever
        shutil.copy(PORTRAIT, folder / "12:31.png")
        shutil.copy(folder / VOICE, folder / "12:31.wav")


def _texts(folder: Path) -> None:
    texts = {
        "empty.bin": b"",
        "noise.bin": np.random.default_rng(1).bytes(20_000),
        "page.html": b"<!doctype html><title>Not found</title>",
        "lfs_pointer.wav": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n",
        "text.txt": b"this is not a sound, nor a video\n" * 40,
        "error.json": b'{"error": "not found"}',
        "drawing.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "document.pdf": b"%PDF-1.7\n",
        "photo.heic": b"\0\0\0\x18ftypheic" + bytes(200),
        "model.gguf": b"GGUF" + bytes(200),
        "archive.gz": gzip.compress(bytes(2000)),
    }
    for name, content in texts.items():
        (folder / name).write_bytes(content)
    with zipfile.ZipFile(folder / "archive.zip", "w") as archive:
        archive.writestr("read_me.txt", "nothing")


# -- sounds


def _voice() -> np.ndarray:
    """(t), -1..1."""
    with wave.open(str(EXAMPLES / "voice.wav")) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE_HZ, 1, 2)
        file.readframes(RATE_HZ // 2)
        return np.frombuffer(file.readframes(round(SECONDS * RATE_HZ)), np.int16) / 32768


def wav(samples: np.ndarray, rate_hz: int = RATE_HZ) -> bytes:
    """(t) or (t c), of the dtype that is to be stored; three bytes a sample if int32."""
    samples = samples[:, None] if samples.ndim == 1 else samples
    is_float, width = samples.dtype.kind == "f", samples.dtype.itemsize
    data = samples.astype(samples.dtype.newbyteorder("<")).tobytes()
    if samples.dtype == np.int32:
        width, data = 3, b"".join(data[at : at + 3] for at in range(0, len(data), 4))
    channels = samples.shape[1]
    layout = struct.pack(
        "<HHIIHH",
        FLOAT if is_float else PCM,
        channels,
        rate_hz,
        rate_hz * channels * width,
        channels * width,
        8 * width,
    )
    chunks = b"fmt " + struct.pack("<I", len(layout)) + layout + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def encoded(path: Path, codec: str, sample_format: str, samples: np.ndarray) -> None:
    with av.open(str(path.absolute()), "w") as container:
        stream = container.add_stream(codec, rate=RATE_HZ, layout="mono")
        stream.codec_context.format = sample_format
        frame = av.AudioFrame.from_ndarray(samples[None].astype(np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, 0, Fraction(1, RATE_HZ)
        for part in av.AudioResampler(sample_format, "mono", RATE_HZ, frame_size=1024).resample(frame):
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))


def _sounds(folder: Path) -> None:
    voice = _voice()
    words = (voice * 32767).astype(np.int16)
    floats = voice.astype(np.float32)
    whole = wav(words)
    times = np.arange(len(voice)) / RATE_HZ

    def at_rate(rate_hz: int) -> bytes:
        return wav(np.interp(np.arange(round(SECONDS * rate_hz)) / rate_hz, times, voice).astype(np.float32), rate_hz)

    files = {
        VOICE: whole,
        "longer.wav": wav(np.concatenate([words, words])),
        "voice_as_mp3.mp3": whole,
        "sixteen_bit.wav": whole,
        "eight_bit.wav": wav((voice * 127 + 128).astype(np.uint8)),
        "twenty_four_bit.wav": wav((voice * 8388607).astype(np.int32)),
        "float_64.wav": wav(voice),
        "rate_8000.wav": at_rate(8000),
        "rate_192000.wav": at_rate(192000),
        "stereo.wav": wav(np.stack([words, words], axis=1)),
        "six_channels.wav": wav(np.stack([words] * 6, axis=1)),
        "one_sample.wav": wav(words[:1]),
        "all_silent.wav": wav(words * 0),
        "clipped.wav": wav(np.clip(floats * 8, -1, 1).astype(np.float32)),
        "cut_off.wav": whole[: 44 + len(words)],
        # refused
        "header_only.wav": whole[:44],
        "cut_header.wav": whole[:20],
        "no_samples.wav": wav(words[:0]),
        "nan.wav": wav(np.where(times > 0.2, np.nan, floats).astype(np.float32)),
        "infinite.wav": wav(np.where(times > 0.2, np.inf, floats).astype(np.float32)),
        "beyond_full_scale.wav": wav((floats / np.abs(floats).max() * 20000).astype(np.float32)),
        "rate_500.wav": wav(words[:200], 500),
        "nine_channels.wav": wav(np.stack([words] * 9, axis=1)),
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    encoded(folder / "voice.flac", "flac", "s16", voice)
    encoded(folder / "voice.mp3", "libmp3lame", "fltp", voice)
    encoded(folder / "voice.m4a", "aac", "fltp", voice)


# -- pictures


def _pictures(folder: Path) -> None:
    picture = Image.open(PORTRAIT).convert("RGB")
    floats = np.asarray(picture, np.float32) / 255
    picture.convert("L").save(folder / "grey.png")
    Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257).save(folder / "sixteen_bit.png")
    picture.quantize(128).save(folder / "palette.png")
    picture.convert("CMYK").save(folder / "cmyk.jpg", quality=95)
    picture.save(folder / "portrait.webp", quality=95)
    picture.save(folder / "portrait.gif")
    picture.save(folder / "portrait.bmp")
    picture.save(folder / "png_named.jpg", format="PNG")
    picture.resize((1536, 1536)).save(folder / "large.png", compress_level=1)
    Image.fromarray(floats.mean(axis=2)).save(folder / "float.tiff")
    opaque = picture.convert("RGBA")
    opaque.putpixel((0, 0), (0, 0, 0, 0))
    opaque.save(folder / "transparent.png")
    orientation = Image.Exif()
    orientation[0x0112] = 6  # stored lying on its left side
    picture.transpose(Image.Transpose.ROTATE_90).save(folder / "turned.jpg", exif=orientation, quality=95)
    # refused
    shutil.copy(NO_FACE, folder / "no_face.png")
    Image.new("RGB", (1, 1), "red").save(folder / "one_pixel.png")
    Image.new("RGB", (64, 64)).save(folder / "black.png")
    Image.new("RGBA", (64, 64)).save(folder / "clear.png")
    Image.fromarray(np.full((64, 64), np.nan, np.float32)).save(folder / "nan.tiff")
    Image.fromarray(floats.mean(axis=2) * 255).save(folder / "beyond.tiff")
    stored = PORTRAIT.read_bytes()
    (folder / "half.png").write_bytes(stored[: len(stored) // 2])
    (folder / "header_only.png").write_bytes(stored[:33])
    picture.save(folder / "whole.jpg")
    stored = (folder / "whole.jpg").read_bytes()
    (folder / "half.jpg").write_bytes(stored[: len(stored) // 2])
    (folder / "bomb.png").write_bytes(png_of_size(60_000, 60_000))


def png_of_size(width: int, height: int) -> bytes:
    """What its header says; there is hardly anything in it."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


# -- videos


def video(
    path: Path, codec: str, pixel_format: str, width: int, height: int, frames: int, has_sound: bool = False
) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = width, height, pixel_format
        sound = container.add_stream("aac", rate=RATE_HZ, layout="mono") if has_sound else None
        for number in range(frames):
            level = np.full((height, width, 3), 20 * number + 40, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(level, format="rgb24")))
        container.mux(stream.encode(None))
        if sound is not None:
            tone = np.sin(np.arange(RATE_HZ * frames // 25, dtype=np.float32) / 9)[None]
            frame = av.AudioFrame.from_ndarray(tone, format="fltp", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, 0, Fraction(1, RATE_HZ)
            for part in av.AudioResampler("fltp", "mono", RATE_HZ, frame_size=1024).resample(frame):
                container.mux(sound.encode(part))
            container.mux(sound.encode(None))


def _videos(folder: Path) -> None:
    video(folder / "plain.mp4", "libx264", "yuv420p", 48, 32, 3)
    video(folder / "sound.mp4", "libx264", "yuv420p", 48, 32, 3, has_sound=True)
    video(folder / "silent_video.mp4", "libx264", "yuv420p", 48, 32, 3)
    video(folder / "one_frame.mp4", "libx264", "yuv420p", 48, 32, 1)
    video(folder / "odd.mkv", "ffv1", "bgr0", 47, 31, 2)
    video(folder / "ten_bit.mkv", "ffv1", "yuv420p10le", 48, 32, 2)
    video(folder / "grey.mkv", "ffv1", "gray", 48, 32, 2)
    for name, width in (("narrow.ts", 32), ("wide.ts", 48)):
        video(folder / name, "libx264", "yuv420p", width, 32, 3)
    (folder / "two_sizes.ts").write_bytes((folder / "narrow.ts").read_bytes() + (folder / "wide.ts").read_bytes())
    whole = (folder / "plain.mp4").read_bytes()
    (folder / "cut_index.mp4").write_bytes(whole[: whole.index(b"moov")])
    (folder / "header_only.mp4").write_bytes(whole[:40])
    matrix = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)  # a quarter turn
    at = whole.index(b"tkhd") + 4 + 40
    (folder / "turned.mp4").write_bytes(whole[:at] + matrix + whole[at + len(matrix) :])
    (folder / "empty_matrix.mp4").write_bytes(whole[:at] + bytes(len(matrix)) + whole[at + len(matrix) :])


# -- weights


class _Code:
    """Pickled, it runs a program when it is loaded."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return os.system, ("echo loaded",)


def _weights(folder: Path) -> None:
    tensors = {"layer.weight": torch.ones(4, 4), "layer.bias": torch.zeros(4)}
    save_file(tensors, folder / "other.safetensors")
    save_file({"layer.count": torch.ones(4, dtype=torch.int32)}, folder / "integers.safetensors")
    save_file({}, folder / "no_tensors.safetensors")
    torch.save(tensors, folder / "weights.pth")
    torch.save([1, 2], folder / "list.pth")
    torch.save({"epoch": 3}, folder / "numbers.pth")
    torch.save({"state_dict": tensors, "callback": _Code()}, folder / "code.pth")
    (folder / "old_code.pth").write_bytes(pickle.dumps(_Code(), protocol=2))
    for name in ("other.safetensors", "weights.pth"):
        stored = (folder / name).read_bytes()
        (folder / f"half{Path(name).suffix}").write_bytes(stored[: len(stored) * 3 // 4])
    header = json.dumps({"layer.weight": {"dtype": "F32", "shape": [4]}}).encode()
    (folder / "bad_header.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + bytes(64))
    (folder / "long_header.safetensors").write_bytes(struct.pack("<Q", 90_000_000) + b"{" + bytes(64))
    faces = folder / "damaged_faces"
    faces.mkdir()
    for name in ("scrfd_10g_bnkps.onnx", "glintr100.onnx"):
        (faces / name).write_bytes(b"not a network")
