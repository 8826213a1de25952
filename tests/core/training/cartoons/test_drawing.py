from dataclasses import replace

import pytest
import torch
from einops import reduce

from hallo2_core.training.cartoons import Actor, Tracks, draw
from hallo2_core.training.cartoons.hair import STYLES


def tracks_of(frames: int, **curves) -> Tracks:
    still = Tracks.still(frames).curves()
    return Tracks(**(still | {name: torch.as_tensor(curve).float().expand(frames) for name, curve in curves.items()}))


def test_frames_have_the_documented_shape_range_and_type():
    frames = draw(Actor.from_seed(0, "train"), Tracks.still(3), 64)
    assert frames.shape == (3, 64, 64, 3) and frames.dtype == torch.float32
    assert 0 <= frames.min() and frames.max() <= 1 and frames.std() > 0.1


def test_a_seed_is_one_actor_for_ever_and_the_splits_share_none():
    still = Tracks.still()
    first = draw(Actor.from_seed(5, "train"), still, 64)
    assert torch.equal(first, draw(Actor.from_seed(5, "train"), still, 64))
    assert not torch.allclose(first, draw(Actor.from_seed(6, "train"), still, 64), atol=0.1)
    assert not torch.allclose(first, draw(Actor.from_seed(5, "held_back"), still, 64), atol=0.1)


def test_frames_drawn_together_are_those_drawn_one_by_one():
    """Patches are as large as the widest motion among the frames; what is painted there must not depend on it."""
    actor = Actor.from_seed(3, "train")
    tracks = tracks_of(4, yaw=torch.tensor([0.0, 15, -15, 5]), roll=torch.tensor([0.0, 5, 0, -10]), mouth_open=0.5)
    together = draw(actor, tracks, 96)
    one_by_one = torch.cat([draw(actor, tracks[i : i + 1], 96) for i in range(4)])
    assert torch.allclose(together, one_by_one, atol=1e-5)


@pytest.mark.parametrize("seed", range(12))
def test_a_small_picture_is_the_large_one_seen_from_afar(seed):
    """Antialiasing: averaging 512 px down to 128 px gives nearly what is drawn at 128 px."""
    actor = Actor.from_seed(seed, "train")
    tracks = tracks_of(1, mouth_open=0.4, yaw=8.0)
    averaged = reduce(draw(actor, tracks, 512), "f (h a) (w b) c -> f h w c", "mean", a=4, b=4)
    assert (averaged - draw(actor, tracks, 128)).square().mean().sqrt() < 0.02


@pytest.mark.parametrize(
    "curve", ["mouth_open", "mouth_width", "mouth_round", "blink", "gaze_x", "gaze_y", "brow", "yaw", "pitch", "roll",
              "breath"]
)  # fmt: skip
def test_every_curve_moves_the_picture(curve):
    actor = Actor.from_seed(1, "train")
    amount = 10.0 if curve in ("yaw", "pitch", "roll") else 1.0
    still, moved = draw(actor, Tracks.still(), 128), draw(actor, tracks_of(1, **{curve: amount}), 128)
    assert (still - moved).abs().max() > 0.1


@pytest.mark.parametrize("curve", ["teeth", "tongue"])
def test_teeth_and_tongue_show_in_an_open_mouth_only(curve):
    actor = Actor.from_seed(1, "train")
    for opening, seen in ((0.0, False), (0.6, True)):
        without = draw(actor, tracks_of(1, mouth_open=opening), 128)
        raised = draw(actor, tracks_of(1, mouth_open=opening, **{curve: 1.0}), 128)
        assert ((without - raised).abs().max() > 0.1) == seen


def test_expressions_differ_from_one_another():
    actor = Actor.from_seed(2, "train")
    still = Tracks.still(5).curves()
    faces = draw(actor, Tracks(**(still | {"expression": torch.eye(5)})), 128)
    for one in range(5):
        for other in range(one):
            assert (faces[one] - faces[other]).abs().amax() > 0.2


def test_small_motion_changes_the_picture_smoothly():
    """A tenth of a pixel more moves every edge a little: no part jumps from pixel to pixel."""
    actor = Actor.from_seed(4, "train")
    frames = draw(actor, tracks_of(40, roll=torch.linspace(0, 2, 40)), 96)
    steps = (frames[1:] - frames[:-1]).square().mean(dim=(1, 2, 3)).sqrt()
    assert steps.max() < 2.5 * steps.min()


@pytest.mark.parametrize("style", STYLES)
def test_every_hair_style_leaves_the_background_whole_however_the_head_is_turned(style):
    """Paint must not spoil pixels outside the part it covers, not even those at the corners of its patch."""
    actor = Actor.from_seed(0, "train")
    actor = replace(actor, hair=replace(actor.hair, style=style))
    poses = tracks_of(5, yaw=torch.tensor([0.0, 25, -25, 0, 0]), roll=torch.tensor([0.0, 15, -15, 15, -15]),
                      pitch=torch.tensor([0.0, 15, 15, -15, -15]))  # fmt: skip
    frames = draw(actor, poses, 64)
    assert frames.isfinite().all()
    corners = frames[:, ::63, ::63]
    assert torch.allclose(corners[:, 0], corners[:1, 0].expand(5, -1, -1), atol=1e-4)
