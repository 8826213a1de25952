"""Color profiles written here, byte by byte: Pillow only makes sRGB's."""

import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

from hallo2_core.portrait.picture import load_picture

# Primaries relative to D50, in columns of red, green and blue.
DISPLAY_P3 = np.array([[0.5151, 0.2920, 0.1571], [0.2412, 0.6922, 0.0666], [-0.0011, 0.0419, 0.7841]])
ADOBE_RGB = np.array([[0.6097, 0.2053, 0.1492], [0.3111, 0.6257, 0.0632], [0.0195, 0.0609, 0.7446]])
SRGB = np.array([[0.4361, 0.3851, 0.1431], [0.2225, 0.7169, 0.0606], [0.0139, 0.0971, 0.7141]])
GAMMA = 2.2


def profile(primaries, name):
    def xyz(values):
        return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(value * 65536) for value in values))

    text = name.encode() + b"\0"
    curve = b"curv" + bytes(4) + struct.pack(">IHH", 1, round(GAMMA * 256), 0)
    tags = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", len(text)) + text + bytes(78 + -len(text) % 4),
        b"wtpt": xyz((0.9642, 1.0, 0.8249)),
        **{kind + b"XYZ": xyz(column) for kind, column in zip((b"r", b"g", b"b"), primaries.T, strict=True)},
        **{kind + b"TRC": curve for kind in (b"r", b"g", b"b")},
    }
    table, content, at = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for kind, tag in tags.items():
        table += kind + struct.pack(">II", at + len(content), len(tag))
        content += tag + bytes(-len(tag) % 4)
    header = struct.pack(">I4xI4s4s4s12x4s", at + len(content), 0x02400000, b"mntr", b"RGB ", b"XYZ ", b"acsp")
    illuminant = struct.pack(">3i", 63190, 65536, 54061)
    return header.ljust(68, b"\0") + illuminant + bytes(48) + table + content


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tiff", "a.webp"])
@pytest.mark.parametrize("primaries", [DISPLAY_P3, ADOBE_RGB], ids=["Display P3", "Adobe RGB"])
def test_a_wide_gamut_is_shown_as_viewers_do(primaries, name, tmp_path):
    stored = np.array([0.8, 0.5, 0.3])
    picture = Image.new("RGB", (32, 32), tuple(round(255 * value) for value in stored))
    picture.save(tmp_path / name, icc_profile=profile(primaries, "Wide"), quality=100)
    linear = np.linalg.inv(SRGB) @ primaries @ stored**GAMMA
    expected = np.where(linear > 0.0031308, 1.055 * linear.clip(0) ** (1 / 2.4) - 0.055, 12.92 * linear)
    seen = load_picture(tmp_path / name)[16, 16].numpy()
    assert np.abs(seen - expected).max() < 0.02 < np.abs(seen - stored).max()


def test_srgb_keeps_its_bytes_and_a_damaged_profile_is_said(tmp_path, caplog):
    pixels = np.random.default_rng(0).integers(0, 256, (6, 4, 3)).astype(np.uint8)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for embedded in (srgb, b"no profile at all"):
        Image.fromarray(pixels).save(tmp_path / "a.png", icc_profile=embedded)
        assert np.array_equal((load_picture(tmp_path / "a.png") * 255).round().numpy(), pixels)
        assert ("color profile cannot be used" in caplog.text) == (embedded is not srgb)


def test_transparency_survives_a_profile(tmp_path):
    picture = Image.new("RGBA", (4, 4), (200, 100, 50, 0))
    picture.save(tmp_path / "a.png", icc_profile=profile(DISPLAY_P3, "Wide"))
    assert (load_picture(tmp_path / "a.png") == 1).all()
