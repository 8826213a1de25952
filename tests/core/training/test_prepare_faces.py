import numpy as np
import pytest
import torch
import torch.nn.functional as F

from hallo2_core.training.cartoons.actor import Actor
from hallo2_core.training.cartoons.head_pose import Framing
from hallo2_core.training.cartoons.tracks import Tracks
from hallo2_core.training.prepare_faces import (
    CUT_FACES_PX,
    FRAMES,
    LATENTS,
    PICTURE_PX,
    SEEN,
    cut_framing,
    face_record,
    prepare_faces,
)
from hallo2_core.training.records import RecordShards
from hallo2_core.training.small_networks import small_vae
from hallo2_core.training.vae_stage import fresh_vae_weights


@pytest.fixture(scope="module")
def vae():
    vae = small_vae()
    fresh_vae_weights(vae, 0)
    return vae


def test_a_record_holds_a_face_as_drawn_and_as_a_small_video_shows_it(vae):
    sides = set()
    for seed in range(6):
        record = face_record(seed, "train", Tracks.still(2), 256, vae, latent_noise=0.1)
        seen_px = record[SEEN].shape[-1]
        sides.add(seen_px)
        assert record[FRAMES].shape == (2, 3, 256, 256) and record[FRAMES].dtype == torch.uint8
        assert record[SEEN].shape == (2, 3, seen_px, seen_px)
        assert record[LATENTS].shape == (2, 4, seen_px // 8, seen_px // 8)
    assert PICTURE_PX in sides and len(sides) > 1 and sides <= {PICTURE_PX, *CUT_FACES_PX}


def test_a_record_is_the_same_again(vae):
    one, again = (face_record(3, "train", Tracks.still(1), 64, vae, latent_noise=0.1) for _ in range(2))
    assert all(torch.equal(one[name], again[name]) for name in one)


def test_noise_on_the_latents_is_each_frame_s_own(vae):
    clean = face_record(3, "train", Tracks.still(8), 64, vae, latent_noise=0.0)[LATENTS].float()
    noisy = face_record(3, "train", Tracks.still(8), 64, vae, latent_noise=0.3)[LATENTS].float()
    torch.testing.assert_close(clean, clean[:1].expand_as(clean))
    amounts = (noisy - clean).flatten(1).std(dim=1)
    assert 0.0 < amounts.max() < 0.4 and amounts.unique().numel() > 3


def test_a_cut_face_is_larger_and_near_the_middle():
    framing = Actor.from_seed(0, "train").framing
    cut = cut_framing(framing, 1.25, np.random.default_rng(0))
    assert cut.scale == pytest.approx(1.25 * framing.scale)
    assert abs(cut.center_x) < 0.12 and abs(cut.center_y) < 0.2
    assert isinstance(cut, Framing)


def test_faces_are_prepared_once(vae, tmp_path):
    first, again = (list(prepare_faces(tmp_path, "train", range(2), 1, 64, vae, 0.0)) for _ in range(2))
    assert first == again and len(RecordShards(tmp_path)) == 2
    frames = RecordShards(tmp_path).read(1, FRAMES).float()
    assert F.avg_pool2d(frames, 64).std() > 1.0  # colors, not a blank picture
