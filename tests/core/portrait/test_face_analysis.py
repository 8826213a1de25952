"""The built-in detector and landmarks on the test pictures, and on one face made small, large, turned and hidden."""

import math
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from einops import rearrange

from hallo2_core.portrait import similarity
from hallo2_core.portrait.face_analysis import FaceAnalysis, built_in_landmarker
from hallo2_core.portrait.face_detection import Detection


def error_in_face_sizes(landmarks, expected):
    size = (expected.amax(dim=0) - expected.amin(dim=0)).max()
    return float((landmarks - expected).norm(dim=1).mean() / size)


@pytest.mark.parametrize(
    ("name", "scores"),
    [("portrait.png", [0.95]), ("portrait_wide.png", [0.94]), ("two_faces.png", [0.87, 0.70]), ("no_face.png", [])],
)
def test_the_faces_of_the_test_pictures(faces, picture, name, scores):
    found = faces.find(picture(name))
    assert [face.score for face in found] == pytest.approx(scores, abs=0.03)
    areas = [face.area for face in found]
    assert areas == sorted(areas, reverse=True)
    assert all(abs(face.yaw_degrees) < 8 and abs(face.roll_degrees) < 12 for face in found)


def test_the_portraits_box_and_points(faces, portrait):
    (face,) = faces.find(portrait)
    assert face.box.tolist() == pytest.approx([158, 123, 363, 328], abs=6)
    assert face.landmarks.shape == (468, 2)
    # Read off the picture by eye: pupils, tip of the nose, corners of the mouth.
    by_eye = torch.tensor([[211.0, 176], [303, 180], [254, 234], [216, 260], [301, 260]])
    assert (face.five_points - by_eye).norm(dim=1).max() < 13  # 6 % of the face
    assert not face.recognisable
    assert torch.equal(faces.identity(portrait, face), torch.zeros(512))


@pytest.mark.parametrize("degrees", [-40, -20, 20, 40, 90])
def test_a_turned_face_keeps_its_landmarks(faces, portrait, degrees):
    (upright,) = faces.find(portrait)
    middle = torch.tensor([256.0, 256.0])
    to_portrait = similarity.from_square(middle, 600.0, math.radians(degrees), 512)
    turned = similarity.sample(rearrange(portrait, "h w c -> c h w"), to_portrait, 512, 512, beyond="border")
    (face,) = faces.find(rearrange(turned, "c h w -> h w c"))
    assert error_in_face_sizes(similarity.apply(to_portrait, face.landmarks), upright.landmarks) < 0.02
    assert face.roll_degrees == pytest.approx(upright.roll_degrees - degrees, abs=3)


@pytest.mark.parametrize(
    ("height", "width", "side"),
    [(128, 128, 128), (300, 1500, 300), (1500, 300, 150), (1400, 2000, 130), (90, 700, 90), (2300, 2300, 2300)],
)
def test_any_size_of_picture_and_face(faces, portrait, on_ground, height, width, side):
    (whole,) = faces.find(portrait)
    left, top = (width - side) * 3 // 4, (height - side) // 3
    (face,) = faces.find(on_ground(height, width, side, left, top))
    back = (face.landmarks - torch.tensor([left, top])) * 512 / side
    assert error_in_face_sizes(back, whole.landmarks) < 0.05


def test_a_large_and_a_small_face_are_both_found(faces, portrait, on_ground):
    crowd = on_ground(700, 1200, 640, 0, 30)
    crowd[500:650, 1000:1150] = on_ground(150, 150, 150, 0, 0)
    large, small = faces.find(crowd)
    assert large.box[0] < 400 and small.box[0] > 1000 and large.area > 10 * small.area


class Sees:
    """A detector that reports boxes it is told."""

    def __init__(self, *boxes):
        self.boxes = boxes

    def detect(self, picture):
        found = []
        for left, top, right, bottom in self.boxes:
            eyes = torch.tensor([[left * 0.7 + right * 0.3, top * 0.7 + bottom * 0.3]] * 5, dtype=torch.float32)
            eyes[1, 0] = left * 0.3 + right * 0.7
            found.append(Detection(torch.tensor([left, top, right, bottom], dtype=torch.float32), 0.9, eyes))
        return found


class CountsPixels:
    def embed(self, picture, five_points):
        return torch.full((512,), float(picture.numel()))


def test_false_alarms_and_repeats_are_dropped(portrait):
    analysis = FaceAnalysis(Sees((20, 20, 120, 120), (150, 110, 360, 330), (170, 130, 350, 320)), built_in_landmarker())
    assert len(analysis.find(portrait)) == 1


def test_a_face_that_only_the_fallback_finds_has_no_identity(portrait):
    face_box, nothing = (158, 123, 363, 328), (20, 20, 120, 120)
    landmarker = built_in_landmarker()
    own = FaceAnalysis(Sees(face_box), landmarker, CountsPixels(), Sees(nothing))
    (face,) = own.find(portrait)
    assert own.identity(portrait, face)[0] == 512 * 512 * 3 and face.five_points.shape == (5, 2)
    other = FaceAnalysis(Sees(nothing), landmarker, CountsPixels(), Sees(face_box))
    (face,) = other.find(portrait)
    assert not other.identity(portrait, face).any()


def test_importing_the_portrait_package_stays_light():
    heavy = ("onnxruntime", "cv2", "transformers", "av")
    script = (
        "import sys, hallo2_core.portrait.prepare, hallo2_core.portrait.released_faces;"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
