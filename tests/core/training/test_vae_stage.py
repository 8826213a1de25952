import pytest
import torch
from tiny import VAE, normal

from hallo2_core.config import LATENT_SCALE
from hallo2_core.models.layers import Build
from hallo2_core.models.vae import AutoencoderKL
from hallo2_core.training.records import RecordShards, write_shard
from hallo2_core.training.vae_stage import (
    FRAMES,
    VAEStage,
    VAEStageSettings,
    fresh_vae_weights,
    normalize_latents,
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
