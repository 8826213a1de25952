from dataclasses import replace

import pytest
import torch

from hallo2_core.checkpoints.seeded import fill_with_seeded_weights
from hallo2_core.config import UpscalerConfig
from hallo2_core.errors import CheckpointError, SettingsError
from hallo2_core.models.layers import Build
from hallo2_core.models.upscaler.video_restorer import VideoRestorer

CONFIG = UpscalerConfig(
    side_px=32, widths=(32, 32, 64), blocks_per_level=1, codes=20, code_width=8, token_width=16, feed_forward_width=24,
    heads=4, alignment_layers=2, fused_sides=(16,), latent_widths=None,
)  # fmt: skip


def restorer(**changes):
    net = VideoRestorer(replace(CONFIG, **changes), Build(device="meta"))
    fill_with_seeded_weights(net, "")
    return net


def window(frames, batch=1, seed=0):
    return torch.rand(batch, frames, 3, 32, 32, generator=torch.Generator().manual_seed(seed)) * 2 - 1


@pytest.fixture(autouse=True)
def no_gradients():
    with torch.inference_mode():
        yield


@pytest.mark.parametrize("fidelity", [0.0, 0.7])
def test_a_window_comes_back_in_its_own_shape_with_the_codes(fidelity):
    restored = restorer()(window(3, batch=2), fidelity=fidelity)
    assert restored.frames.shape == (2, 3, 3, 32, 32) and restored.frames.isfinite().all()
    assert restored.codes.shape == (2, 3, 64) and restored.codes.unique().numel() > 5


def test_videos_of_a_batch_are_restored_as_each_alone():
    net, both = restorer(), window(3, batch=2)
    together, alone = net(both, fidelity=0.5), net(both[1:], fidelity=0.5)
    assert torch.equal(together.codes[1:], alone.codes)
    torch.testing.assert_close(together.frames[1:], alone.frames)


def test_forward_is_its_three_stages():
    net, frames = restorer(), window(4)
    encoded = net.encode(frames, fidelity=0.5)
    codes = net.code_logits(encoded.features).argmax(dim=-1)
    assert torch.equal(net.draw(codes, encoded, 0.5), net(frames, fidelity=0.5).frames)


def test_scores_tell_of_numbers_that_the_pictures_hide():
    net = restorer()
    assert net(window(2), fidelity=0.0).scores.isfinite().all()
    net.position_embedding.weight[3, 0] = float("nan")
    restored = net(window(2), fidelity=0.0)
    assert restored.frames.isfinite().all() and restored.scores.isnan().any()


def test_frames_are_seen_together():
    net, frames = restorer(), window(4)
    alone = net.code_logits(net.encode(frames[:, :1], fidelity=0).features)
    together = net.code_logits(net.encode(frames, fidelity=0).features)[:, :1]
    assert (alone - together).abs().max() > 1e-2


def test_at_fidelity_zero_the_fusion_is_skipped_and_nothing_is_kept_for_it():
    net = restorer()
    for parameter in net.fusion.parameters():
        parameter.fill_(torch.nan)
    assert net(window(2), fidelity=0.0).frames.isfinite().all()
    assert net(window(2), fidelity=0.1).frames.isnan().any()
    assert all(not kept for kept in net.encode(window(2), fidelity=0.0).kept)
    assert all(set(kept) == {16} for kept in net.encode(window(2), fidelity=0.1).kept)


def test_adain_can_be_switched_off():
    net, frames = restorer(), window(2)
    on, off = net(frames, fidelity=0.0), net(frames, fidelity=0.0, adain=False)
    assert torch.equal(on.codes, off.codes) and not torch.allclose(on.frames, off.frames)


def test_pictures_pass_one_at_a_time_and_a_cancel_gets_through_between_them():
    calls = []
    restorer()(window(3), fidelity=0.0, between_frames=lambda: calls.append(None))
    assert len(calls) == 6  # three encoded, three drawn

    def cancel():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restorer()(window(1), fidelity=0.0, between_frames=cancel)


def test_latents_go_through_an_encoder_of_their_own():
    net = restorer(latent_widths=(32, 32), side_px=128, widths=(32, 32, 32, 32, 64), fused_sides=(16,))
    restored = net(latents=torch.randn(1, 2, 4, 16, 16), fidelity=0.0)
    assert restored.frames.shape == (1, 2, 3, 128, 128)


def test_an_encoder_of_latents_that_ends_at_another_side_is_refused():
    with pytest.raises(SettingsError, match="side 2, the encoder of pictures at 8"):
        replace(CONFIG, latent_widths=(32, 32))


def test_latents_without_trained_weights_are_refused_with_the_way_out():
    with pytest.raises(CheckpointError, match="no 'latent_encoder.' weights.*Decode the latents"):
        restorer()(latents=torch.randn(1, 2, 4, 4, 4), fidelity=0.0)


def test_latents_have_nothing_to_be_faithful_to():
    net = restorer(latent_widths=(32,), widths=(32, 32, 32, 64))
    with pytest.raises(SettingsError, match="with latents there is no input picture"):
        net(latents=torch.randn(1, 2, 4, 4, 4), fidelity=0.5)


@pytest.mark.parametrize(
    ("given", "fidelity", "message"),
    [
        ({"frames": torch.zeros(1, 2, 3, 16, 16)}, 0.5, r"shape \(1, 2, 3, 16, 16\).*3, 32, 32"),
        ({"frames": torch.zeros(2, 3, 32, 32)}, 0.5, "expects"),
        ({"frames": torch.zeros(1, 1, 3, 32, 32), "latents": torch.zeros(1, 1, 4, 4, 4)}, 0.5, "both"),
        ({}, 0.5, "neither"),
        ({"frames": torch.zeros(1, 1, 3, 32, 32)}, 1.5, "fidelity is 1.5"),
    ],
)
def test_what_it_cannot_take_is_refused(given, fidelity, message):
    with pytest.raises(SettingsError, match=message):
        restorer()(**given, fidelity=fidelity)


def test_raw_parameters_live_in_leaf_modules():
    """A host that loads a network in part passes over parameters that a module with children holds itself."""
    for name, module in restorer().named_modules():
        assert not (list(module.children()) and list(module.parameters(recurse=False))), name


def test_features_that_wait_on_the_cpu_change_no_bit():
    net, frames = restorer(), window(3)
    assert torch.equal(net(frames, fidelity=0.5, parks_features=True).frames, net(frames, fidelity=0.5).frames)


def test_parked_features_leave_the_device():
    """Tensors on 'meta' hold no numbers, so that there is nothing to copy to the CPU."""
    net, frames = VideoRestorer(CONFIG, Build(device="meta")), window(2).to("meta")
    net.encode(frames, fidelity=0.5)
    with pytest.raises(NotImplementedError, match="meta tensor"):
        net.encode(frames, fidelity=0.5, parks_features=True)
