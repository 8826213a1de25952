"""Invalid settings raise errors with the value found, the allowed range and the release's value."""

import pytest
from seeded_models import SEEDED_WAV2VEC

from hallo2_core.animation.acceleration import Acceleration
from hallo2_core.animation.motion_settings import ClipConfig, PatchDropConfig
from hallo2_core.animation.sampler_config import SamplerConfig
from hallo2_core.config import Wav2VecConfig, check_frame_size
from hallo2_core.errors import Hallo2Error, SettingsError


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ClipConfig(motion_frames=0), "motion frames is 0; choose 1 to 16 .the release uses 2"),
        (lambda: ClipConfig(motion_frames=17), "motion frames is 17; choose 1 to 16"),
        (lambda: ClipConfig(frames=1), "motion frames is 2; choose 1 to 1"),
        (lambda: ClipConfig(frames=0), "frames of a clip is 0; choose 1 or more .released: 16"),
        (lambda: SamplerConfig(steps=0), "steps is 0; choose 1 to 1000 .the release uses 40"),
        (lambda: SamplerConfig(steps=1001), "steps is 1001; choose 1 to 1000"),
        (lambda: SamplerConfig(clip_noise="none"), "clip_noise is 'none'; choose 'independent' or 'repeated'"),
        (lambda: SamplerConfig(legacy_rng=True, clip_noise="repeated"), "but legacy_rng draws all noise in a row"),
        (lambda: SamplerConfig(reference_banks="both"), "reference_banks is 'both'; choose 'released' or 'aligned'"),
        (lambda: Acceleration(solver="euler"), "solver is 'euler'; choose ddim or dpm..2m"),
        (lambda: Acceleration(step_share=0.0), "share of steps is 0.0; choose more than 0, up to 1"),
        (lambda: Acceleration(step_share=1.1), "share of steps is 1.1; choose"),
        (lambda: Acceleration(guided_from=0.6, guided_until=0.5), "from 0.6 to 0.5 of the steps; choose two values"),
        (lambda: Acceleration(guided_until=1.5), "from 0.0 to 1.5 of the steps; choose two values"),
        (lambda: Acceleration(unconditional_every=0), "every 0th guided step; choose 1"),
        (lambda: Acceleration(deep_every=0), "every 0th step; choose 1"),
        (lambda: PatchDropConfig(rate=-0.1), "drop rate is -0.1; choose 0 .keep all. to 1 .drop all but the face"),
        (lambda: PatchDropConfig(rate=1.1), "drop rate is 1.1; choose 0"),
        (lambda: PatchDropConfig(rate=float("nan")), "drop rate is nan; choose 0"),
        (lambda: PatchDropConfig(patch_px=0), "patch size is 0 px; choose 1 .the release. or more"),
        (lambda: PatchDropConfig(noise_sigma=-0.1), "noise sigma is -0.1; choose 0 .the release. to less than 1"),
        (lambda: PatchDropConfig(noise_sigma=1.0), "noise sigma is 1.0; choose 0"),
        (lambda: PatchDropConfig(noise_time=-1), "noise time is -1; choose 0 to 50"),
        (lambda: PatchDropConfig(noise_time=51), "noise time is 51; choose 0 to 50"),
        (lambda: PatchDropConfig(noise_sigma=0.1, noise_time=0), "set in more than one way; choose one"),
        (lambda: PatchDropConfig(noise_time=3, noise_as_trained=True), "set in more than one way; choose one"),
        (lambda: check_frame_size(500, 512), "size is 500x512; .* multiples of 64. Choose 512x512, for example"),
        (lambda: check_frame_size(512, 100), "size is 512x100; .* multiples of 64"),
        (lambda: check_frame_size(0, 512), "size is 0x512; .* multiples of 64"),
        (lambda: check_frame_size(64, -64), "size is 64x-64; .* multiples of 64"),
    ],
)
def test_what_cannot_work_is_refused_with_a_next_step(make, message):
    with pytest.raises(SettingsError, match=message) as raised:
        make()
    assert isinstance(raised.value, Hallo2Error) and str(raised.value).endswith((".", ")."))


def test_the_edges_of_what_is_allowed():
    for make in (
        lambda: ClipConfig(16, 16),
        lambda: ClipConfig(1, 1),
        lambda: SamplerConfig(1),
        lambda: SamplerConfig(1000),
        lambda: SamplerConfig(reference_banks="aligned"),
        lambda: PatchDropConfig(0.0),
        lambda: PatchDropConfig(1.0),
        lambda: PatchDropConfig(noise_sigma=0.99),
        lambda: check_frame_size(64, 1024),
    ):
        make()


def test_defaults_are_the_releases():
    assert (ClipConfig().frames, ClipConfig().motion_frames) == (16, 2)
    assert (SamplerConfig().steps, SamplerConfig().guidance, SamplerConfig().seed) == (40, 3.5, 42)
    assert (PatchDropConfig().rate, PatchDropConfig().patch_px, PatchDropConfig().noise_sigma) == (0.25, 1, 0.0)


@pytest.mark.parametrize("config", [Wav2VecConfig(), SEEDED_WAV2VEC])
def test_wav2vec_makes_a_feature_every_20_ms_from_25_ms_of_sound(config):
    assert (config.hop_samples, config.reach_samples) == (320, 400)
