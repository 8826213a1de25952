import pytest
import torch
from tiny import VAE, normal

from hallo2_core.config import LATENT_SCALE
from hallo2_core.errors import SettingsError
from hallo2_core.models.layers import Build
from hallo2_core.models.vae import AutoencoderKL
from hallo2_core.training.records import RecordShards, write_shard
from hallo2_core.training.vae_stage import (
    FRAMES,
    VAEStage,
    VAEStageSettings,
    fresh_vae_weights,
    normalize_latents,
    still_changes,
)


@pytest.fixture
def pictures(tmp_path):
    records = [{FRAMES: (normal(n, 2, 3, 64, 64).sigmoid() * 255).byte()} for n in range(4)]
    write_shard(records[:3], tmp_path / "a.safetensors")
    write_shard(records[3:], tmp_path / "b.safetensors")
    return RecordShards(tmp_path)


def fresh():
    vae = AutoencoderKL(VAE, Build(dtype=torch.float32))
    fresh_vae_weights(vae, 0)
    return vae


def stage(pictures, **settings):
    settings = VAEStageSettings("", "", "", crop_px=32, **settings)
    return VAEStage(fresh(), settings, pictures, pictures, seed=3)


def test_a_step_learns_one_batch(pictures):
    one = stage(pictures)
    batch = one.batch(range(4))
    optimizer = torch.optim.Adam(one.network.parameters(), 3e-3)
    losses = []
    for _ in range(12):
        loss = one.network(batch)["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0]


def test_a_sample_is_the_same_in_every_batch(pictures):
    one = stage(pictures)
    torch.testing.assert_close(one.batch(range(6)).pixels[4:], one.batch(range(4, 6)).pixels, atol=0, rtol=0)
    assert not torch.equal(one.batch([0]).pixels, one.batch([1]).pixels)


def test_a_frozen_encoder_leaves_the_latents_alone(pictures):
    one = stage(pictures, frozen_encoder=True)
    one.network(one.batch(range(2)))["loss"].backward()
    trained = {name for name, p in one.network.named_parameters() if p.grad is not None}
    assert trained and all(name.startswith(("vae.decoder.", "vae.post_quant_conv.")) for name in trained)


def test_a_sample_of_changes_is_the_same_part_of_two_frames_in_a_row(tmp_path):
    frames = torch.arange(5).reshape(5, 1, 1, 1) * 40 + torch.arange(40).expand(3, 40, 40)  # the same, ever brighter
    write_shard([{FRAMES: frames.byte()}], tmp_path / "a.safetensors")
    for whole_ratio in (0.0, 1.0):
        one = stage(RecordShards(tmp_path), change_weight=1.0, whole_ratio=whole_ratio)
        pixels = one.batch(range(8)).pixels
        assert pixels.shape == (8, 2, 3, 32, 32)
        torch.testing.assert_close(pixels.diff(dim=1), torch.full((8, 1, 3, 32, 32), 40 / 127.5))


def test_only_errors_that_differ_between_frames_count_as_errors_of_change(pictures):
    plain, steady = stage(pictures), stage(pictures, change_weight=3.0, frozen_encoder=True)
    batch = steady.batch(range(2))
    assert "change" not in plain.network(plain.batch(range(2)))

    def figures(error):
        steady.network.vae.decode = lambda _: (batch.pixels + error).flatten(0, 1)
        return steady.network(batch)

    same = figures(0.1)
    flicker = figures(torch.tensor([0.1, -0.1]).reshape(2, 1, 1, 1))
    assert float(same["change"]) == pytest.approx(0.0, abs=1e-6)
    assert float(flicker["change"]) == pytest.approx(0.2)
    assert float(flicker["loss"] - same["loss"]) == pytest.approx(3.0 * 0.2, abs=1e-5)


def test_a_weight_on_changes_needs_records_of_two_frames(tmp_path):
    write_shard([{FRAMES: torch.zeros(1, 3, 32, 32, dtype=torch.uint8)}], tmp_path / "a.safetensors")
    assert stage(RecordShards(tmp_path)).batch([0]).pixels.shape == (1, 1, 3, 32, 32)
    with pytest.raises(SettingsError, match="change_weight needs 2"):
        stage(RecordShards(tmp_path), change_weight=1.0).batch([0])
    with pytest.raises(SettingsError, match="change_weight is -1"):
        stage(RecordShards(tmp_path), change_weight=-1.0)


def test_jitter_is_the_change_where_the_truth_moves_least():
    true = torch.zeros(3, 3, 8, 8)
    true[1, ..., :4] = 0.01  # still
    true[1, ..., 4:] = 1.0  # moves
    torch.testing.assert_close(still_changes(true * 3.0, true), torch.tensor([0.03, 0.01]))


@torch.no_grad()
def test_validation_measures_jitter_where_changes_count(pictures):
    one = stage(pictures, change_weight=1.0)
    one.network.vae.encode = lambda x: x
    one.network.vae.decode = lambda x: 0.5 * x
    assert one.validate()["jitter"] == pytest.approx(0.5)
    assert "jitter" not in stage(pictures).validate()


def test_normalized_latents_change_no_picture():
    vae = fresh()
    with torch.no_grad():
        vae.quant_conv.bias += 0.7
        vae.quant_conv.weight *= torch.tensor([1.0, 2.0, 0.3, 5.0] * 2).reshape(-1, 1, 1, 1)
        pictures = normal(1, 6, 3, 32, 32).clamp(-1, 1)
        before, (_, log_variance) = vae.decode(vae.encode(pictures)), vae.posterior(pictures)
        spread = vae.encode(pictures).std(dim=(0, 2, 3))
        normalize_latents(vae, list(pictures.split(3)))
        latents, after = vae.encode(pictures) * LATENT_SCALE, vae.posterior(pictures)[1]
    torch.testing.assert_close(vae.decode(latents / LATENT_SCALE), before, atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(latents.mean(dim=(0, 2, 3)), torch.zeros(4), atol=1e-4, rtol=0)
    torch.testing.assert_close(latents.std(dim=(0, 2, 3)), torch.ones(4), atol=1e-3, rtol=0)
    gain = (1.0 / (spread * LATENT_SCALE)).reshape(1, 4, 1, 1)
    torch.testing.assert_close(after, log_variance + 2 * gain.log(), atol=1e-3, rtol=1e-3)


def test_whole_pictures_are_perfect_when_nothing_is_lost(pictures):
    one = stage(pictures)
    one.network.vae.encode = lambda x: x
    one.network.vae.decode = lambda x: x + 0.02
    figures = one.validate()
    assert figures["psnr_db"] == pytest.approx(40.0, abs=0.1)  # 0.01 in 0..1
