import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from hallo2_core.evaluation.picture_quality import MOST_DB, PSNR, SSIM


def noise(seed, side=48):
    return torch.randint(0, 256, (side, side, 3), generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)


def test_psnr_of_a_known_error():
    """Off by 16 levels everywhere: 20 log10(255 / 16)."""
    frame = torch.full((32, 32, 3), 100, dtype=torch.uint8)
    assert PSNR().add(frame, frame + 16)["psnr"] == pytest.approx(24.0484, abs=1e-4)


def test_psnr_as_scikit_image_computes_it():
    value = PSNR().add(noise(0), noise(1))["psnr"]
    assert value == pytest.approx(peak_signal_noise_ratio(noise(0).numpy(), noise(1).numpy()), abs=1e-9)


def test_psnr_of_a_video_comes_from_its_mean_square():
    """Half of the frames off by 8, half by 0: 3 dB above frames off by 8."""
    psnr, frame = PSNR(), torch.full((16, 16, 3), 100, dtype=torch.uint8)
    alone = psnr.add(frame, frame + 8)["psnr"]
    assert psnr.add(frame, frame)["psnr"] == MOST_DB
    assert psnr.figures()["psnr"] - alone == pytest.approx(3.0103, abs=1e-4)


def test_ssim_of_equal_and_of_constant_frames():
    ssim = SSIM()
    assert ssim.add(noise(0), noise(0))["ssim"] == pytest.approx(1.0)
    dark, bright = torch.full((16, 16, 3), 51, dtype=torch.uint8), torch.full((16, 16, 3), 204, dtype=torch.uint8)
    # Constant pictures differ in brightness alone: (2 · 0.2 · 0.8 + 1e-4) / (0.04 + 0.64 + 1e-4).
    assert ssim.add(dark, bright)["ssim"] == pytest.approx(0.3201 / 0.6801, abs=1e-6)
    assert ssim.figures()["ssim"] == pytest.approx((1 + 0.3201 / 0.6801) / 2, abs=1e-6)


def test_ssim_as_scikit_image_computes_it():
    one = noise(2).float()
    other = (0.7 * one + 0.3 * noise(3).float()).round()
    lumas = [(frame * torch.tensor([0.299, 0.587, 0.114])).sum(dim=-1).numpy() / 255 for frame in (one, other)]
    expected = structural_similarity(*lumas, data_range=1.0, use_sample_covariance=False)  # without the borders
    assert SSIM().add(one.byte(), other.byte())["ssim"] == pytest.approx(expected, abs=1e-5)
