import numpy as np
import pytest
import torch
from PIL import Image

from hallo2_core.errors import PortraitError
from hallo2_core.portrait.picture import as_mask, as_picture, load_picture


def pixels(height=6, width=4):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.webp"])
def test_a_file_gives_its_bytes_back(tmp_path, name):
    Image.fromarray(pixels()).save(tmp_path / name, **({"lossless": True} if name.endswith("webp") else {}))
    picture = load_picture(tmp_path / name)
    assert picture.dtype == torch.float32
    assert np.array_equal((picture * 255).round().numpy(), pixels())


def test_exif_turns_the_picture_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turn clockwise to see it upright
    Image.fromarray(pixels()).save(tmp_path / "a.png", exif=exif)
    assert np.array_equal((load_picture(tmp_path / "a.png") * 255).round().numpy(), np.rot90(pixels(), -1))


def test_transparent_parts_lie_on_white(tmp_path):
    alpha = np.zeros((6, 4, 1), np.uint8)
    alpha[:3] = 255
    Image.fromarray(np.concatenate([pixels(), alpha], axis=2)).save(tmp_path / "a.png")
    picture = load_picture(tmp_path / "a.png")
    assert np.array_equal((picture[:3] * 255).round().numpy(), pixels()[:3])
    assert torch.equal(picture[3:], torch.ones(3, 4, 3))
    Image.fromarray(pixels()).quantize(4).save(tmp_path / "palette.png", transparency=0)
    assert load_picture(tmp_path / "palette.png").shape == (6, 4, 3)


@pytest.mark.parametrize("mode", ["L", "1", "CMYK", "LA"])
def test_other_modes_become_rgb(tmp_path, mode):
    Image.fromarray(pixels()).convert("L" if mode == "LA" else mode).convert(mode).save(tmp_path / "a.tiff")
    assert load_picture(tmp_path / "a.tiff").shape == (6, 4, 3)


def test_sixteen_bit_grey_keeps_its_range(tmp_path):
    grey = np.linspace(0, 65535, 24).astype(np.uint16).reshape(6, 4)
    Image.fromarray(grey).save(tmp_path / "a.png")
    picture = load_picture(tmp_path / "a.png")
    np.testing.assert_allclose(picture[..., 1].numpy(), grey / 65535, atol=1e-6)


def test_what_is_no_picture_is_refused_by_name(tmp_path):
    (tmp_path / "text.png").write_text("not a picture")
    Image.fromarray(pixels(300, 300)).save(tmp_path / "whole.png")
    (tmp_path / "torn.png").write_bytes((tmp_path / "whole.png").read_bytes()[:2000])
    with pytest.raises(PortraitError, match="text.png is not a readable picture"):
        load_picture(tmp_path / "text.png")
    with pytest.raises(PortraitError, match="torn.png cannot be read"):
        load_picture(tmp_path / "torn.png")
    with pytest.raises(PortraitError, match="There is no picture"):
        load_picture(tmp_path / "missing.png")
    with pytest.raises(PortraitError, match="cannot be read"):
        load_picture(tmp_path)


def test_as_picture_takes_batches_greys_and_alpha():
    batch = torch.rand(3, 5, 7, 4, generator=torch.Generator().manual_seed(0))
    picture = as_picture(batch)
    assert picture.shape == (5, 7, 3)
    torch.testing.assert_close(picture, batch[0, ..., :3] * batch[0, ..., 3:] + 1 - batch[0, ..., 3:])
    assert torch.equal(as_picture(batch[0, ..., 0]), as_picture(batch[0, ..., :1]))
    assert as_picture(torch.full((2, 2, 3), 1.5)).max() == 1.0
    assert as_picture(torch.full((2, 2, 3), 255, dtype=torch.uint8)).max() == 1.0


@pytest.mark.parametrize(
    "bad",
    [
        torch.rand(5),
        torch.rand(0, 4, 3),
        torch.rand(4, 4, 2),
        torch.full((4, 4, 3), float("nan")),
        [torch.rand(4, 4, 3)],
        np.zeros((4, 4, 3)),
        torch.rand(0, 4, 4, 3),
        None,
    ],
)
def test_as_picture_refuses_what_is_none(bad):
    with pytest.raises(PortraitError):
        as_picture(bad)


def test_masks_are_stretched_and_empty_ones_explained():
    mask = torch.zeros(1, 4, 4)
    mask[:, 2:] = 1
    stretched = as_mask(mask, "face", 8, 16)
    assert stretched.shape == (8, 16) and stretched[-1].min() == 1 and stretched[0].max() == 0
    with pytest.raises(PortraitError, match="lip mask is empty .64x64"):
        as_mask(torch.zeros(1, 64, 64), "lip", 512, 512)
    with pytest.raises(PortraitError, match="pose mask has shape"):
        as_mask(torch.zeros(2, 3, 4, 4), "pose", 512, 512)
    with pytest.raises(PortraitError, match="face mask is of type ndarray"):
        as_mask(np.ones((4, 4)), "face", 4, 4)
    with pytest.raises(PortraitError, match="face mask is an empty batch"):
        as_mask(torch.zeros(0, 4, 4), "face", 4, 4)


def test_a_picture_of_floats_is_read_if_its_range_is_known(tmp_path):
    values = np.linspace(0, 1, 24, dtype=np.float32).reshape(6, 4)
    Image.fromarray(values).save(tmp_path / "a.tiff")
    assert torch.equal(load_picture(tmp_path / "a.tiff")[..., 0], torch.from_numpy(values))
    Image.fromarray(values * 255).save(tmp_path / "b.tiff")
    with pytest.raises(PortraitError, match="from 0 to 255; 0 to 1 was expected"):
        load_picture(tmp_path / "b.tiff")


@pytest.mark.parametrize(("low", "high"), [(0.0, 255.0), (-1.0, 1.0)])
def test_another_range_than_0_to_1_is_named(low, high):
    with pytest.raises(PortraitError, match=f"from {low:g} to {high:g}; 0 to 1"):
        as_picture(torch.linspace(low, high, 48).reshape(4, 4, 3))


def test_the_overshoot_of_resampling_is_clamped():
    picture = as_picture(torch.linspace(-0.2, 1.2, 48).reshape(4, 4, 3))
    assert (picture.min(), picture.max()) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "is a HEIC picture.*Export it as JPEG"),
        (b"\0\0\0\x18ftypisom\0\0\2\0isomiso2", "is a video. Choose a picture"),
        (b"%!PS-Adobe-3.1 EPSF-3.0\n", "is an EPS drawing"),
        (b"<!DOCTYPE html><html>", "is a web page"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is an SVG drawing"),
        (b"version https://git-lfs.github.com/spec/v1\n", "is a git-lfs pointer"),
        (b"", "is empty"),
    ],
)
def test_what_an_unreadable_file_is(tmp_path, content, message):
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(PortraitError, match=f"a.jpg {message}"):
        load_picture(tmp_path / "a.jpg")


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ([torch.zeros(4, 4, 3)], "is of type list; an IMAGE was expected"),
        (np.zeros((4, 4, 3)), "is of type ndarray"),
        (torch.zeros(0, 4, 4, 3), "batch of pictures is empty"),
    ],
)
def test_what_other_nodes_may_hand_over_is_named(image, message):
    with pytest.raises(PortraitError, match=message):
        as_picture(image)
