"""Against OpenCV, bit-exact."""

import numpy as np
import pytest

from hallo2_core.portrait.opencv_compat import blur_bytes, blur_weights, normalise_bytes, resize_bytes

cv2 = pytest.importorskip("cv2")


def random_box(rng, height, width):
    """A picture (height width) that is 255 inside a random box."""
    picture = np.zeros((height, width), np.uint8)
    top, bottom = sorted(rng.integers(0, height + 1, 2))
    left, right = sorted(rng.integers(0, width + 1, 2))
    picture[top:bottom, left:right] = 255
    return picture


def test_resize_blur_and_normalise_of_a_thousand_random_boxes():
    rng = np.random.default_rng(0)
    for _ in range(1000):
        box = random_box(rng, *rng.integers(1, 900, 2))
        small = resize_bytes(box, 64, 64)
        assert np.array_equal(small, cv2.resize(box, (64, 64)))
        for kernel in (51, 31):
            blurred = blur_bytes(small, kernel)
            assert np.array_equal(blurred, cv2.GaussianBlur(small, (kernel, kernel), 0))
            assert np.array_equal(normalise_bytes(blurred), cv2.normalize(blurred, None, 0, 255, cv2.NORM_MINMAX))


@pytest.mark.parametrize("shape", [(128, 128), (64, 64), (127, 129), (1, 1), (1, 300), (300, 1), (20, 500), (63, 65)])
def test_resize_of_noise_up_and_down(shape):
    noise = np.random.default_rng(1).integers(0, 256, shape).astype(np.uint8)
    for height, width in ((64, 64), (10, 77), (200, 3)):
        assert np.array_equal(resize_bytes(noise, height, width), cv2.resize(noise, (width, height)))


def test_normalise_of_every_range():
    for low in range(256):
        for high in range(low, 256, 7):
            ramp = np.arange(low, high + 1, dtype=np.uint8)[None]
            assert np.array_equal(normalise_bytes(ramp), cv2.normalize(ramp, None, 0, 255, cv2.NORM_MINMAX))


@pytest.mark.parametrize("kernel", [1, 3, 31, 51])
def test_blur_weights_are_symmetric_and_keep_brightness(kernel):
    weights = blur_weights(kernel)
    assert len(weights) == kernel and sum(weights) == 256 and weights == weights[::-1]
