import pytest
import torch

from hallo2_core.portrait.face_analysis import built_in_face_analysis
from hallo2_core.training.cartoons import Actor, Tracks, draw, measure

UPPER_INNER_LIP, LOWER_INNER_LIP = 13, 14  # of the face mesh


@pytest.fixture(scope="module")
def finder():
    return built_in_face_analysis()


def posed(**curves) -> Tracks:
    frames = max(len(curve) for curve in curves.values())
    return Tracks(**(Tracks.still(frames).curves() | {name: torch.tensor(curve) for name, curve in curves.items()}))


def found_rate(finder, count: int, size_px: int) -> float:
    pictures = (draw(Actor.from_seed(seed, "train"), Tracks.still(), size_px)[0] for seed in range(count))
    return sum(len(finder.find(picture)) == 1 for picture in pictures) / count


def test_the_face_finder_finds_the_actors(finder):
    rate = found_rate(finder, 200, 128)
    print(f"found at 128 px: {rate:.1%} of 200")
    assert rate >= 0.99


@pytest.mark.slow
@pytest.mark.parametrize("size_px", [256, 512])
def test_the_face_finder_finds_the_actors_in_larger_pictures(finder, size_px):
    rate = found_rate(finder, 200, size_px)
    print(f"found at {size_px} px: {rate:.1%} of 200")
    assert rate >= 0.99


@pytest.mark.parametrize("seed", range(8))
def test_boxes_and_points_are_where_the_face_finder_sees_them(finder, seed):
    actor = Actor.from_seed(seed, "train")
    tracks = posed(yaw=[0.0, 12.0, -12.0], roll=[0.0, -8.0, 8.0], mouth_open=[0.0, 0.3, 0.6])
    frames, truth = draw(actor, tracks, 256), measure(actor, tracks, 256)
    for i, frame in enumerate(frames):
        (face,) = finder.find(frame)
        assert (face.five_points - truth.five_points[i]).norm(dim=1).max() < 0.04 * 256
        low, high = torch.maximum(face.box[:2], truth.face_box[i, :2]), torch.minimum(face.box[2:],
                                                                                     truth.face_box[i, 2:])  # fmt: skip
        assert (high - low).prod() > 0.6 * torch.maximum(face.area * torch.ones(()), _area(truth.face_box[i]))


def _area(box):
    return (box[2:] - box[:2]).prod()


def test_the_opening_is_that_of_the_inner_lips_in_the_picture(finder):
    actor = Actor.from_seed(36, "train")
    tracks = posed(mouth_open=[0.0, 0.2, 0.4, 0.6, 0.8, 1.0])
    truth = measure(actor, tracks, 256)
    seen = torch.tensor([
        float((face.landmarks[LOWER_INNER_LIP] - face.landmarks[UPPER_INNER_LIP]).norm())
        for frame in draw(actor, tracks, 256) for face in finder.find(frame)
    ])  # fmt: skip
    assert torch.corrcoef(torch.stack([seen, truth.mouth_opening]))[0, 1] > 0.95


def test_the_opening_in_pixels_is_the_dark_gap(finder):
    """Without teeth and tongue in the way: from the drawing itself, column by column in the middle of the mouth."""
    actor = Actor.from_seed(36, "train")
    shut, wide = draw(actor, Tracks.still(), 512)[0], draw(actor, posed(mouth_open=[1.0]), 512)[0]
    truth = measure(actor, posed(mouth_open=[1.0]), 512)
    left, top, right, bottom = truth.lip_box[0].round().int().tolist()
    column = (left + right) // 2
    changed = (shut - wide)[:, column].abs().amax(dim=1) > 0.05
    rows = changed.nonzero().flatten()
    rows = rows[(rows >= top - 2) & (rows <= bottom + 2)]
    height = float(truth.mouth_opening[0]) * _rest_height_px(actor, 512)
    assert height < rows.max() - rows.min() + 1 < 1.9 * height


def _rest_height_px(actor, size_px):
    box = measure(actor, Tracks.still(), size_px).face_box[0]
    return float(box[3] - box[1])


def test_width_follows_the_sound_and_the_smile():
    actor = Actor.from_seed(1, "train")
    truth = measure(actor, posed(mouth_width=[-1.0, 0.0, 1.0]), 128)
    assert truth.mouth_width[0] < truth.mouth_width[1] < truth.mouth_width[2]
    smiling = Tracks.still().curves() | {"expression": torch.tensor([[0.0, 1, 0, 0, 0]])}
    assert measure(actor, Tracks(**smiling), 128).mouth_width > truth.mouth_width[1]


def test_pixels_scale_with_the_picture():
    actor, tracks = Actor.from_seed(2, "train"), posed(yaw=[0.0, 10.0])
    small, large = measure(actor, tracks, 128), measure(actor, tracks, 512)
    assert torch.allclose(4 * small.face_box, large.face_box) and torch.allclose(4 * small.lip_box, large.lip_box)
    assert torch.equal(small.mouth_opening, large.mouth_opening)
