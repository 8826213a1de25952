"""Conversion of a frame from its bytes to the video's format, on the device."""

from pathlib import Path

import pytest
import torch
from faces_on_script import ScriptedFaces, face_at
from safetensors.torch import load_file
from seeded_models import seeded_upscaler
from torch.utils._python_dispatch import TorchDispatchMode

from hallo2_core.portrait import similarity
from hallo2_core.runtime import LocalRuntime
from hallo2_core.upscaling.background import resample
from hallo2_core.upscaling.face_crop import cut_face, face_square, paste_face
from hallo2_core.upscaling.face_detections import as_float
from hallo2_core.upscaling.render import finished_frame
from hallo2_core.upscaling.settings import UpscaleSettings
from hallo2_core.upscaling.upscale import drawing_device, upscale_frames
from hallo2_core.video.colour import to_planes

# Two frames of `moving_waves`, as written when each frame was finished on the CPU by itself, in 8 and in 10 bits.
BEFORE = load_file(Path(__file__).parent / "data" / "planes.safetensors")
SQUARE = face_square(face_at(30.0, 20.0, 6.0, 25.0).five_points)


class Recorder(TorchDispatchMode):
    """Keeps the names and arguments of the operations that run."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.calls.append((function.name(), args))
        return function(*args, **(kwargs or {}))


def moving_waves(count, height=48, width=64):
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    for number in range(count):
        waves = torch.stack([x * 7 + number * 5, y * 9 + number * 3, (x * y) // 7 + number * 11], dim=-1) % 256
        picture = waves.to(torch.uint8)
        picture[0, 0, 0] = number
        yield picture


def two_faces(number):
    right = [] if number in (2, 3, 4) else [face_at(48.0, 30.0, 10.0, -20.0)]
    return [face_at(20.0 + number / 3, 20.0, 6.0, 5.0 * number), *right]


@pytest.mark.parametrize("bit_depth", [8, 10])
def test_frames_are_what_they_were_when_each_was_finished_by_itself(bit_depth):
    settings = UpscaleSettings(
        120, 88, window_frames=6, overlap_frames=2, missed_frames=0, smoothing_frames=0.5, detect_every_frames=1
    )
    frames = list(
        upscale_frames(moving_waves(9), seeded_upscaler(), ScriptedFaces(two_faces), settings, LocalRuntime())
    )
    for number in (0, 5):
        made = finished_frame(frames[number], bit_depth).planes.samples
        expected = BEFORE[f"{number}.{bit_depth}"]
        differences = (made.int() - expected.int()).abs()
        assert made.dtype == expected.dtype
        # Equal on one machine; another's convolutions may tip a rounding here and there.
        assert int(differences.max()) <= 1 and float((differences > 0).float().mean()) < 1e-3


def drawn(device, bit_depth=8):
    """A face cut out, pasted into the larger frame, and the frame's planes."""
    picture = as_float(torch.zeros(48, 64, 3, dtype=torch.uint8, device=device))
    canvas = resample(picture, 96, 128)
    paste_face(canvas, cut_face(picture, SQUARE, 32), SQUARE, (2.0, 2.0))
    return finished_frame(canvas, bit_depth)


@pytest.mark.parametrize("bit_depth", [8, 10])
def test_nothing_on_the_way_waits_for_the_device(bit_depth):
    """Tensors on 'meta' hold no numbers: reading one, or mixing in a tensor of the CPU, raises."""
    frame = drawn("meta", bit_depth)
    assert frame.planes.samples.device.type == "meta" and frame.planes.samples.shape == (96 * 128 * 3 // 2,)
    assert frame.planes.samples.dtype == (torch.uint8 if bit_depth == 8 else torch.int16)
    assert frame.preview.device.type == "meta" and frame.preview.shape == (96, 128, 3)


def test_the_video_s_numbers_are_divided_by_tensors_since_a_card_multiplies_by_the_reciprocal_of_plain_numbers():
    with Recorder() as recorder:
        as_float(torch.zeros(4, 4, 3, dtype=torch.uint8))
        for frame in (torch.zeros(4, 4, 3, dtype=torch.uint8), torch.zeros(4, 4, 3)):
            to_planes(frame, 8)
            to_planes(frame, 10)
    divisors = [args[1] for name, args in recorder.calls if "div" in name]
    assert len(divisors) == 1 + 4 * 2 + 2 and all(isinstance(divisor, torch.Tensor) for divisor in divisors)


def test_places_are_no_matrix_product_since_a_card_may_round_one_to_ten_bits():
    with Recorder() as recorder:
        similarity.apply(torch.eye(2, 3), torch.rand(9, 2))
    assert not any(word in name for name, _ in recorder.calls for word in ("mm", "matmul", "mv", "linear"))


def test_places_are_those_of_a_matrix_product():
    transform, points = torch.tensor([[1.5, -0.25, 7.0], [0.5, 2.0, -3.0]]), torch.rand(5, 4, 2) * 100
    product = points.double() @ transform[:, :2].double().mT + transform[:, 2].double()
    torch.testing.assert_close(similarity.apply(transform, points), product.float(), rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize(("device", "drawn_on"), [("cuda:1", "cuda:1"), ("cpu", "cpu"), ("mps", "cpu"), ("xpu", "cpu")])
def test_frames_are_drawn_on_cards_that_can(device, drawn_on):
    assert drawing_device(torch.device(device)) == torch.device(drawn_on)


def test_the_preview_does_not_keep_the_whole_frame():
    frame = torch.zeros(1024, 1024, 3)
    preview = finished_frame(frame, 8).preview
    assert preview.shape == (512, 512, 3) and preview.untyped_storage().nbytes() == 512 * 512 * 3 * 4
