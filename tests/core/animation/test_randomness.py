import itertools

import pytest
import torch

from hallo2_core.animation.motion_settings import PatchDropConfig
from hallo2_core.animation.randomness import LegacyDraws, SeededDraws, clip_generator
from hallo2_core.animation.sampler_config import SamplerConfig

SHAPE = (4, 4, 8, 8)


def draws_of(source):
    """All that a clip draws, in the loop's order."""
    return source.drop_uniforms(16, 16), source.motion_noise((2, 3, 16, 16)), source.latents(SHAPE, torch.float32)


def test_generators_of_clips_streams_and_seeds_are_independent():
    firsts = [
        torch.randn(1000, generator=clip_generator(seed, clip, stream))
        for seed, clip, stream in itertools.product((0, 1), (0, 1, 2), ("latents", "motion"))
    ]
    for one, other in itertools.combinations(firsts, 2):
        assert abs(float(torch.corrcoef(torch.stack([one, other]))[0, 1])) < 0.15


def test_a_clips_generator_never_changes_between_versions():
    """Saved seeds must go on meaning the same video."""
    assert torch.randint(1 << 30, (3,), generator=clip_generator(42, 7)).tolist() == [593345853, 543870338, 510028302]


@pytest.mark.parametrize("clip", [0, 3])
def test_a_resumed_clip_draws_what_it_would_have_drawn(clip):
    """Whether or not the clips before it were drawn, and however much was drawn for them."""
    sampler, patch_drop = SamplerConfig(seed=5), PatchDropConfig(seed=9)
    for earlier in range(clip):
        draws_of(SeededDraws(sampler, patch_drop, earlier))
    for one, other in zip(
        draws_of(SeededDraws(sampler, patch_drop, clip)), draws_of(SeededDraws(sampler, patch_drop, clip)), strict=True
    ):
        assert torch.equal(one, other)


def test_no_two_clips_draw_the_same():
    one, other = (draws_of(SeededDraws(SamplerConfig(), PatchDropConfig(), clip)) for clip in (0, 1))
    assert not any(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_repeated_noise_is_that_of_the_first_clip_and_motion_frames_still_differ():
    sampler = SamplerConfig(clip_noise="repeated")
    first, later = (draws_of(SeededDraws(sampler, PatchDropConfig(), clip)) for clip in (0, 3))
    assert torch.equal(first[2], later[2])
    assert torch.equal(first[2], draws_of(SeededDraws(SamplerConfig(), PatchDropConfig(), 0))[2])
    assert not torch.equal(first[0], later[0]) and not torch.equal(first[1], later[1])


def test_sampler_and_patch_drop_have_a_seed_each():
    drop, noise, latents = draws_of(SeededDraws(SamplerConfig(seed=1), PatchDropConfig(seed=1), 0))
    other_drop, other_noise, same_latents = draws_of(SeededDraws(SamplerConfig(seed=1), PatchDropConfig(seed=2), 0))
    assert torch.equal(latents, same_latents)
    assert not torch.equal(drop, other_drop) and not torch.equal(noise, other_noise)
    assert not torch.equal(latents, draws_of(SeededDraws(SamplerConfig(seed=2), PatchDropConfig(seed=1), 0))[2])


def test_latents_are_drawn_in_float32_whatever_the_network_has():
    """So that a seed is the same video in every precision, but for rounding."""
    exact = SeededDraws(SamplerConfig(), PatchDropConfig(), 0).latents(SHAPE, torch.float32)
    rounded = SeededDraws(SamplerConfig(), PatchDropConfig(), 0).latents(SHAPE, torch.float16)
    assert torch.equal(exact.half(), rounded)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16], ids=str)
def test_legacy_draws_are_the_releases_order(dtype):
    """Quirk 19: one generator under the sampler's seed; a clip's uniforms, then its latents as (1 4 f h w)."""
    generator = torch.Generator().manual_seed(42)
    torch.manual_seed(42)
    for clip in range(3):
        ours = LegacyDraws(generator, PatchDropConfig(seed=clip), clip)
        assert torch.equal(ours.drop_uniforms(64, 48), torch.rand(64, 48))
        ours.motion_noise((2, 3, 64, 48))  # the release has none: it must not move the generator
        expected = torch.randn((1, 4, 5, 8, 6), dtype=dtype)
        got = ours.latents((5, 4, 8, 6), dtype)
        assert got.dtype == dtype and got.shape == (5, 4, 8, 6)
        assert torch.equal(got, expected[0].transpose(0, 1))
