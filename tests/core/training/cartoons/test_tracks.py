import torch

from hallo2_core.training.cartoons import EXPRESSIONS, Tracks


def test_a_still_face_is_neutral_and_its_weights_sum_to_one():
    still = Tracks.still(3)
    assert still.frames == 3 and still.expression.shape == (3, len(EXPRESSIONS))
    assert torch.equal(still.weight_of("neutral"), torch.ones(3))
    assert torch.equal(still.expression.sum(dim=1), torch.ones(3))


def test_a_stretch_of_frames_is_cut_from_every_curve():
    tracks = Tracks(**{name: torch.arange(5.0) for name in Tracks.still().curves()})
    assert all(torch.equal(curve, torch.tensor([1.0, 2.0])) for curve in tracks[1:3].curves().values())
