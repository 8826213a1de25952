from dataclasses import replace

import pytest
import tiny
import torch
from stand_ins import FakeSpeech, PressedCancelError, RecordingRuntime

from hallo2_core.animation.animate import animate
from hallo2_core.animation.inputs import AnimationInputs
from hallo2_core.animation.motion_settings import ClipConfig, MotionSettings
from hallo2_core.animation.reference_banks import build_reference
from hallo2_core.animation.sampler_config import SamplerConfig
from hallo2_core.errors import SettingsError
from hallo2_core.inspection import attention_maps as module
from hallo2_core.inspection.attention_maps import PHASES, MapSettings, attention_maps, recorded_steps
from hallo2_core.models.latents import VAECodec

CLIP = ClipConfig(frames=4, motion_frames=2)


@pytest.fixture(autouse=True)
def fake_windows(monkeypatch):
    monkeypatch.setattr(module, "check_inputs", lambda inputs, speech: None)  # wants a real speech encoder


def perform(runtime, portrait=None, **sampler):
    models = tiny.shared_models()
    codec = VAECodec(models.vae, runtime)
    reference = build_reference(models, portrait or tiny.portrait(), codec, runtime)
    sampler = SamplerConfig(**{"steps": 3, "guidance": 2.0} | sampler)
    return AnimationInputs(models, reference, MotionSettings(CLIP), sampler), codec


def made(settings=None, frames=10, runtime=None, **given):
    runtime = runtime or RecordingRuntime()
    inputs, codec = perform(runtime, **given)
    return attention_maps(inputs, FakeSpeech(frames), codec, runtime, settings)


@pytest.mark.parametrize(("clip", "legacy_rng"), [(0, False), (2, False), (1, True)])
def test_the_frames_are_the_videos_bit_for_bit(clip, legacy_rng):
    runtime = RecordingRuntime()
    inputs, codec = perform(runtime, legacy_rng=legacy_rng, steps=1)
    video = [finished.frames.whole() for finished in animate(inputs, FakeSpeech(10), codec, runtime)]
    maps = made(MapSettings(clip), legacy_rng=legacy_rng, steps=1)
    assert torch.equal(maps.frames, video[clip]) and maps.first_frame == 4 * clip


@pytest.mark.parametrize("guidance", [1.0, 2.0], ids=["guidance off", "guided"])
@pytest.mark.parametrize("size", [(64, 64), (64, 192)])
def test_every_map_is_there_for_every_frame(guidance, size):
    maps = made(guidance=guidance, portrait=tiny.portrait(*size))
    height, width = size[0] // 8, size[1] // 8
    assert maps.frames.shape == (4, *size, 3) and maps.portrait.shape == (*size, 3)
    for heat in (maps.portrait_share, maps.portrait_received, maps.motion_share):
        assert heat.shape == (4, height, width) and bool(heat.isfinite().all())
    for share in (maps.portrait_share, maps.motion_share):
        assert 0 < share.min() and share.max() < 1
    assert maps.portrait_received.mean(dim=(1, 2)) == pytest.approx([1.0] * 4, abs=0.05)
    assert maps.over_time.shape == (4, 6) and maps.motion_frames == 2
    assert (maps.over_time.sum(dim=1) - 1).abs().max() < 1e-5
    assert maps.without_identity == ((False,) * 4 if guidance == 1.0 else (True, False, True, False))


def test_a_last_clip_has_maps_of_the_frames_that_the_video_has():
    maps = made(MapSettings(2), steps=1)
    assert len(maps.frames) == len(maps.portrait_share) == len(maps.without_identity) == 2
    assert maps.over_time.shape == (4, 6)  # the clip is made whole


def test_aligned_banks_always_have_the_identity():
    assert made(steps=1, reference_banks="aligned").without_identity == (False,) * 4


def test_scales_are_levels_and_all_is_their_mean():
    levels = [made(MapSettings(scale=scale), steps=1) for scale in ("1/8", "1/16", "1/32", "1/64")]
    assert [tuple(maps.motion_share.shape[1:]) for maps in levels] == [(8, 8), (4, 4), (2, 2), (1, 1)]
    together = made(steps=1)
    torch.testing.assert_close(together.over_time, torch.stack([maps.over_time for maps in levels]).mean(dim=0))
    coarse = torch.stack([maps.portrait_share.mean(dim=(1, 2)) for maps in levels]).mean(dim=0)
    torch.testing.assert_close(together.portrait_share.mean(dim=(1, 2)), coarse, atol=1e-3, rtol=0)


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 40])
def test_phases_are_thirds_that_are_never_empty(steps):
    early, middle, late = (recorded_steps(steps, phase) for phase in ("early", "middle", "late"))
    assert list(recorded_steps(steps, "all")) == list(range(steps))
    assert len(early) == len(middle) == len(late) == -(-steps // 3)
    assert early[0] == 0 and late[-1] == steps - 1 and early[0] <= middle[0] <= late[0]
    assert steps < 3 or {*early, *middle, *late} == set(range(steps))


def test_phases_see_different_steps_and_all_is_their_mean():
    shares = {phase: made(MapSettings(phase=phase)).portrait_share for phase in PHASES}
    thirds = torch.stack([shares[phase] for phase in ("early", "middle", "late")])
    assert (thirds[0] - thirds[2]).abs().max() > 1e-4
    torch.testing.assert_close(thirds.mean(dim=0), shares["all"])


def test_progress_ends_with_the_clip_that_is_looked_at():
    runtime = RecordingRuntime()
    made(MapSettings(1), runtime=runtime)
    assert [report for report in runtime.reports] == [(done, 8) for done in range(1, 9)]
    assert len(runtime.previews) == 2


def test_cancel_passes_through():
    with pytest.raises(PressedCancelError):
        made(runtime=RecordingRuntime(cancel_after=1))


def test_a_clip_that_is_not_there_is_refused_before_anything_is_made():
    runtime = RecordingRuntime()
    with pytest.raises(SettingsError, match="Clip 3 was requested, but the video has 3, counted from 0; choose 0 to 2"):
        made(MapSettings(3), runtime=runtime)
    assert not runtime.reports


@pytest.mark.parametrize("wrong", [{"phase": "noon"}, {"scale": "1/2"}])
def test_choices_are_named(wrong):
    with pytest.raises(SettingsError, match="choose one of all, "):
        replace(MapSettings(), **wrong)
