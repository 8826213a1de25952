import pytest
import tiny
import torch
from diffusers import AutoencoderKL as TheirVAE
from tiny import VAE, normal


@pytest.fixture(scope="module")
def oracle():
    oracle = TheirVAE(
        block_out_channels=VAE.block_widths,
        layers_per_block=VAE.layers_per_block,
        norm_num_groups=VAE.norm_groups,
        latent_channels=4,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
    ).eval()
    oracle.load_state_dict(tiny.shared_models().vae.state_dict(), strict=True)
    return oracle


@pytest.mark.parametrize(("height", "width"), [(64, 64), (128, 64)])
@torch.no_grad()
def test_it_equals_diffusers(oracle, height, width):
    vae = tiny.shared_models().vae
    pixels, latents = normal(1, 2, 3, height, width), normal(2, 2, 4, height // 8, width // 8)
    encoded, decoded = vae.encode(pixels), vae.decode(latents)
    assert encoded.shape == latents.shape and decoded.shape == pixels.shape
    assert (encoded - oracle.encode(pixels).latent_dist.mean).abs().max() <= 1e-5
    assert (decoded - oracle.decode(latents).sample).abs().max() <= 1e-5
