import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from hallo2_core.errors import MemoryShortageError
from hallo2_core.runtime import LocalRuntime
from hallo2_core.upscaling.background import TiledBackground, resample, spans


def picture(height, width, seed=0):
    return torch.rand(height, width, 3, generator=torch.Generator().manual_seed(seed))


class Nearest:
    """Works pixel by pixel, so that tiles cannot be told from the whole."""

    scale = 3

    def __init__(self):
        self.shapes = []

    def __call__(self, tile):
        self.shapes.append(tuple(tile.shape))
        return F.interpolate(tile, scale_factor=3.0, mode="nearest")


def test_a_picture_of_the_right_size_is_left_as_it_is():
    given = picture(6, 8)
    assert resample(given, 6, 8) is given


def test_shrinking_by_bicubic_averages_as_pillow_does():
    from PIL import Image

    given = picture(90, 120)
    ours = resample(given, 30, 50)
    planes = [Image.fromarray(given[..., c].numpy()).resize((50, 30), Image.Resampling.BICUBIC) for c in range(3)]
    theirs = torch.from_numpy(np.stack([np.array(plane) for plane in planes], axis=-1)).clamp(0, 1)
    torch.testing.assert_close(ours, theirs, atol=2e-3, rtol=0)


def test_enlarging_keeps_a_smooth_picture_and_the_range():
    y, x = torch.meshgrid(torch.linspace(0, 3, 64), torch.linspace(0, 3, 64), indexing="ij")
    smooth = torch.stack([x.sin(), y.cos(), (x + y).cos()], dim=-1) / 2 + 0.5
    ours = resample(smooth, 256, 256)
    theirs = cv2.resize(smooth.numpy(), (256, 256), interpolation=cv2.INTER_LANCZOS4)
    assert np.abs(ours.numpy() - theirs).max() < 5e-3
    steps = resample(picture(8, 8).round(), 64, 64)
    assert float(steps.min()) >= 0.0 and float(steps.max()) <= 1.0


@pytest.mark.parametrize(("height", "width"), [(40, 70), (16, 16), (5, 100), (33, 17)])
def test_tiles_of_a_pixelwise_upscaler_give_the_whole_picture(height, width):
    given, upscaler = picture(height, width), Nearest()
    background = TiledBackground(upscaler, LocalRuntime(), tile_px=16, overlap_px=4)
    whole = background(given, 3 * height, 3 * width)
    expected = given.repeat_interleave(3, dim=0).repeat_interleave(3, dim=1)
    torch.testing.assert_close(whole, expected)
    assert max(max(shape[2:]) for shape in upscaler.shapes) <= 16


def test_tiles_that_differ_are_faded_into_each_other():
    class Flat:
        scale = 2
        calls = 0

        def __call__(self, tile):
            self.calls += 1
            return torch.full((1, 3, tile.shape[2] * 2, tile.shape[3] * 2), float(self.calls - 1))

    whole = TiledBackground(Flat(), LocalRuntime(), tile_px=16, overlap_px=8)(picture(8, 24), 16, 48)
    row = whole[4, :, 0]
    assert bool((row[:20] == 0).all()) and bool((row[28:] == 1).all())  # a quarter of the overlap is dropped
    assert float(row.diff().max()) < 0.15 and bool((row.diff() >= 0).all())


class Blur:
    """Sees two pixels around each, and zeros beyond the edge of what it is given, as convolutions do."""

    scale = 2

    def __init__(self, largest_tile_px=10**6, error=None):
        self.largest_tile_px, self.error = largest_tile_px, error or torch.cuda.OutOfMemoryError("CUDA out of memory")
        self.tiles = []

    def __call__(self, tile):
        self.tiles.append(max(tile.shape[2:]))
        if self.tiles[-1] > self.largest_tile_px:
            raise self.error
        blurred = F.avg_pool2d(tile, 5, stride=1, padding=2)
        return F.interpolate(blurred, scale_factor=2.0, mode="nearest")


class Telling(LocalRuntime):
    def __init__(self):
        super().__init__()
        self.told, self.freed = [], 0

    def notify(self, text):
        self.told.append(text)

    def free_memory(self):
        self.freed += 1


def test_what_a_network_draws_does_not_depend_on_the_size_of_its_tiles():
    given = picture(70, 90)
    whole = TiledBackground(Blur(), LocalRuntime(), tile_px=128)(given, 140, 180)
    for tile_px in (64, 32):
        tiled = TiledBackground(Blur(), LocalRuntime(), tile_px, overlap_px=8)(given, 140, 180)
        torch.testing.assert_close(tiled, whole)


def test_out_of_memory_halves_the_tiles_for_good_and_says_so():
    given, blur, runtime = picture(200, 300), Blur(largest_tile_px=80), Telling()
    background = TiledBackground(blur, runtime, tile_px=256, smallest_tile_px=32)
    whole = TiledBackground(Blur(), LocalRuntime(), tile_px=512)(given, 400, 600)
    torch.testing.assert_close(background(given, 400, 600), whole)
    assert blur.tiles[:3] == [256, 128, 64] and runtime.freed == 2
    assert "tiles of 64x64 px instead of 128x128" in runtime.told[-1] and len(runtime.told) == 2
    tried = len(blur.tiles)
    background(given, 400, 600)
    assert max(blur.tiles[tried:]) == 64 and len(runtime.told) == 2


def test_too_little_memory_for_the_smallest_tiles_is_an_error_with_the_devices_words():
    with pytest.raises(MemoryShortageError, match=r"even with tiles of 128x128 px \(CUDA out of memory\)"):
        TiledBackground(Blur(largest_tile_px=8), Telling())(picture(20, 20), 40, 40)


def test_another_failure_of_the_network_is_not_tried_again():
    blur, runtime = Blur(largest_tile_px=8, error=RuntimeError("mat1 and mat2 shapes cannot be multiplied")), Telling()
    with pytest.raises(RuntimeError, match="mat1"):
        TiledBackground(blur, runtime)(picture(20, 20), 40, 40)
    assert len(blur.tiles) == 1 and not runtime.told


def test_another_size_than_the_upscalers_is_resampled():
    background = TiledBackground(Nearest(), LocalRuntime())
    assert background(picture(10, 20), 40, 80).shape == (40, 80, 3)


def test_a_cancel_gets_through_between_tiles():
    class Cancelling(LocalRuntime):
        def check_cancelled(self):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        TiledBackground(Nearest(), Cancelling())(picture(4, 4), 12, 12)


@pytest.mark.parametrize(("size", "tile", "overlap"), [(100, 32, 8), (32, 32, 8), (33, 32, 8), (7, 32, 8), (80, 32, 8)])
def test_spans_cover_everything_and_share_the_overlap(size, tile, overlap):
    found = list(spans(size, tile, overlap))
    assert found[0].start == 0 and found[-1].stop == size
    assert all(span.stop - span.start == min(tile, size) for span in found)
    for before, after in zip(found, found[1:], strict=False):
        assert before.stop - after.start >= overlap and after.start > before.start


def test_the_picture_is_put_together_on_the_device_it_came_from():
    """'meta' in the place of a card: mixing in a tensor of the CPU, or reading a number, raises."""
    background = TiledBackground(Nearest(), LocalRuntime("meta"), tile_px=16, overlap_px=4)
    assert background(picture(40, 24).to("meta"), 100, 60).device.type == "meta"
