import gc
import io
import weakref
from dataclasses import replace

import pytest
import tiny
import torch
from seeded_models import seeded_text_adapter
from stand_ins import FakeSpeech, PressedCancelError, RecordingRuntime, with_stand_in_unets

from hallo2_core.animation.animate import animate
from hallo2_core.animation.clip_state import ClipState, clip_draws, first_state
from hallo2_core.animation.inputs import AnimationInputs
from hallo2_core.animation.motion_settings import ClipConfig, MotionSettings, PatchDropConfig
from hallo2_core.animation.reference_banks import build_reference
from hallo2_core.animation.sampler_config import RegionWeights, SamplerConfig
from hallo2_core.checkpoints.text_control import zero_text_adapter
from hallo2_core.errors import PrecisionError
from hallo2_core.models import casting
from hallo2_core.models.latents import VAECodec, decode_frames
from hallo2_core.models.layers import Build
from hallo2_core.timeline.prompts import TextPrompts, parse_prompts
from hallo2_core.timeline.transitions import Transition
from hallo2_core.timeline.weights import parse_weights

CLIP = ClipConfig(frames=4, motion_frames=2)


def perform(runtime, models=None, portrait=None, motion=None, **sampler):
    models = models or tiny.shared_models()
    codec = VAECodec(models.vae, runtime)
    reference = build_reference(models, portrait or tiny.portrait(), codec, runtime)
    sampler = SamplerConfig(**{"steps": 2, "guidance": 2.0} | sampler)
    return AnimationInputs(models, reference, motion or MotionSettings(CLIP), sampler), codec


def video(frames=10, runtime=None, **given):
    """The whole video in one tensor."""
    runtime = runtime or RecordingRuntime()
    inputs, codec = perform(runtime, **given)
    return torch.cat([clip.frames.whole() for clip in animate(inputs, FakeSpeech(frames), codec, runtime)])


@pytest.fixture(scope="module")
def released():
    return video()


def test_frames_are_pictures(released):
    assert released.shape == (10, 64, 64, 3) and released.dtype == torch.float32 and released.device.type == "cpu"
    assert released.min() >= 0.0 and released.max() <= 1.0 and released.std() > 0.05


def test_the_same_inputs_give_the_same_bits(released):
    assert torch.equal(video(), released)


def test_clips_come_one_by_one_and_the_last_is_cut():
    runtime = RecordingRuntime()
    inputs, codec = perform(runtime)
    assert [len(clip.frames) for clip in animate(inputs, FakeSpeech(10), codec, runtime)] == [4, 4, 2]
    assert [len(clip.frames) for clip in animate(inputs, FakeSpeech(1), codec, runtime)] == [1]


def test_the_last_clip_is_made_whole_before_it_is_cut(released):
    assert torch.equal(video(frames=12)[:10], released)


def test_in_pieces_it_is_the_same_video_as_in_one_go(released):
    """Each clip from nothing but its number and the frames saved before it, as after a restart."""
    saved, pieces = None, []
    for number in range(3):
        runtime = RecordingRuntime()
        inputs, codec = perform(runtime)
        start = None
        if saved is not None:
            start = ClipState(number, torch.load(io.BytesIO(saved), weights_only=True))
        clip = next(animate(inputs, FakeSpeech(10), codec, runtime, start))
        buffer = io.BytesIO()
        torch.save(clip.following.motion_pixels, buffer)
        saved = buffer.getvalue()
        pieces.append(clip.frames.whole())
    assert torch.equal(torch.cat(pieces), released)


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 43},
        {"steps": 3},
        {"guidance": 3.5},
        {"guidance": 1.0},
        {"weights": RegionWeights(lip=0.2)},
        {"legacy_rng": True},
        {"reference_banks": "aligned"},
        {"motion": MotionSettings(CLIP, PatchDropConfig(seed=43))},
        {"motion": MotionSettings(CLIP, PatchDropConfig(rate=1.0))},
        {"motion": MotionSettings(CLIP, PatchDropConfig(noise_sigma=0.2))},
        {"motion": MotionSettings(CLIP, PatchDropConfig(noise_time=50))},
        {"motion": MotionSettings(CLIP, PatchDropConfig(noise_as_trained=True))},
        {"motion": MotionSettings(ClipConfig(4, 1))},
        {"motion": MotionSettings(ClipConfig(4, 3))},
        {"motion": MotionSettings(CLIP, start_frames=tiny.normal(5, 2, 64, 64, 3).sigmoid())},
        {"portrait": replace(tiny.portrait(), identity=torch.zeros(512))},
    ],
    ids=[
        "seed",
        "steps",
        "guidance",
        "guidance off",
        "lip weight",
        "legacy",
        "aligned",
        "drop seed",
        "all dropped",
        "noise",
        "noise time",
        "noise as trained",
        "one motion frame",
        "three",
        "start frames",
        "unknown face",
    ],
)
def test_every_setting_is_heard(released, change):
    got = video(frames=4, **change)
    assert got.shape == (4, 64, 64, 3) and bool(got.isfinite().all())
    assert (got - released[:4]).abs().max() > 1e-3


@pytest.mark.parametrize(
    "motion",
    [MotionSettings(CLIP, PatchDropConfig(adaptive=True)), MotionSettings(CLIP, colour_match=True)],
    ids=["adaptive drop", "colour match"],
)
def test_what_holds_on_to_the_portrait_changes_what_has_drifted_and_not_the_first_clip(released, motion):
    held = video(frames=8, motion=motion)
    assert torch.allclose(held[:4], released[:4], atol=1e-4)
    assert (held[4:] - released[4:8]).abs().max() > 1e-3


def test_clips_depend_on_the_ones_before_and_not_on_those_after(released):
    assert torch.equal(video(frames=8), released[:8])
    started_elsewhere = video(motion=MotionSettings(CLIP, start_frames=torch.zeros(2, 64, 64, 3)))
    assert (started_elsewhere[4:8] - released[4:8]).abs().max() > 1e-4


@pytest.mark.parametrize("legacy", [False, True])
def test_a_video_goes_on_anywhere_as_if_it_had_not_stopped(legacy):
    runtime = RecordingRuntime()
    inputs, codec = perform(runtime, legacy_rng=legacy)
    whole = list(animate(inputs, FakeSpeech(10), codec, runtime))
    for stopped in (0, 1):
        rest = list(animate(inputs, FakeSpeech(10), codec, runtime, whole[stopped].following))
        assert len(rest) == 2 - stopped
        for again, before in zip(rest, whole[stopped + 1 :], strict=True):
            assert torch.equal(again.frames.whole(), before.frames.whole())


def test_the_legacy_draws_are_those_of_one_seeded_generator():
    inputs, _codec = perform(RecordingRuntime(), legacy_rng=True)
    state = first_state(inputs)
    torch.manual_seed(42)
    for number in range(3):
        draws = clip_draws(inputs, state)
        assert torch.equal(draws.drop_uniforms(64, 64), torch.rand(64, 64))
        latents = draws.latents((4, 4, 8, 8), torch.float32)
        assert torch.equal(latents, torch.randn(1, 4, 4, 8, 8)[0].transpose(0, 1))
        state = ClipState(number + 1, state.motion_pixels, draws.legacy_state())


def test_our_draws_of_a_clip_follow_its_number_alone():
    inputs, _codec = perform(RecordingRuntime())
    pixels = first_state(inputs).motion_pixels
    first, second, second_again = (clip_draws(inputs, ClipState(number, pixels)) for number in (0, 1, 1))
    wanted = second.drop_uniforms(8, 8)
    assert torch.equal(wanted, second_again.drop_uniforms(8, 8)) and second.legacy_state() is None
    assert not torch.equal(wanted, first.drop_uniforms(8, 8))


def test_pictures_need_not_be_square():
    assert video(frames=2, portrait=tiny.portrait(64, 128)).shape == (2, 64, 128, 3)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=["fp16", "bf16"])
def test_half_precision_gives_the_same_video_but_for_rounding(released, dtype):
    got = video(frames=4, models=tiny.models(Build(dtype=dtype)))
    assert got.dtype == torch.float32
    assert (got - released[:4]).abs().mean() < (0.01 if dtype == torch.float16 else 0.06)


@pytest.mark.parametrize(
    ("storage", "limit"), [(torch.float16, 0.01), (torch.bfloat16, 0.05), (torch.float8_e4m3fn, 0.3)], ids=str
)
def test_weights_in_fewer_bits_than_the_arithmetic_give_the_same_video_but_for_rounding(released, storage, limit):
    models = tiny.models(Build(casting, dtype=storage, compute_dtype=torch.float32))
    assert 0 < (video(models=models) - released).square().mean().sqrt() < limit


class Overflowing:
    """The draws of a clip, with noise that no dtype holds."""

    def __init__(self, draws):
        self.draws, self.drop_uniforms, self.motion_noise = draws, draws.drop_uniforms, draws.motion_noise
        self.legacy_state = draws.legacy_state

    def latents(self, shape, dtype):
        return self.draws.latents(shape, dtype) * float("inf")


def test_latents_that_are_not_finite_stop_the_video_after_the_clips_that_are():
    runtime = RecordingRuntime()
    inputs, codec = perform(runtime)

    def draws(state):
        return Overflowing(clip_draws(inputs, state)) if state.number == 1 else clip_draws(inputs, state)

    clips = animate(inputs, FakeSpeech(10), codec, runtime, draws_of=draws)
    assert torch.isfinite(next(clips).frames.whole()).all()
    with pytest.raises(PrecisionError, match="latents of clip 2"):
        next(clips)


def test_progress_covers_the_whole_job_and_shows_the_newest_frame():
    runtime = RecordingRuntime()
    frames = video(runtime=runtime)
    done = [report[0] for report in runtime.reports]
    assert done == list(range(1, 10)) and {report[1] for report in runtime.reports} == {9}
    assert [preview.shape for preview in runtime.previews] == [(64, 64, 3)] * 3
    assert torch.equal(runtime.previews[0], frames[3])


def test_nothing_is_done_before_the_first_clip_is_asked_for():
    runtime = RecordingRuntime()
    inputs, codec = perform(runtime)
    runtime.made_ready.clear()
    animate(inputs, FakeSpeech(10), codec, runtime)
    assert not runtime.made_ready and not runtime.reports


@pytest.mark.parametrize("cancel_after", [0, 1, 2, 5])
def test_cancel_passes_through_before_the_next_step(cancel_after):
    """The runner's own exception, untouched; at most the step in flight is finished."""
    models = with_stand_in_unets(tiny.shared_models())
    inputs, codec = perform(RecordingRuntime(), models=models, steps=4)
    runtime = RecordingRuntime(cancel_after)
    with pytest.raises(PressedCancelError):
        for _clip in animate(inputs, FakeSpeech(12), codec, runtime):
            pass
    assert len(runtime.reports) == cancel_after
    assert models.denoising_unet.calls == cancel_after - cancel_after // 5  # the decoding is a report without a step


def test_cancel_is_heard_between_decoded_frames():
    inputs, codec = perform(RecordingRuntime(), models=with_stand_in_unets(tiny.shared_models()))
    runtime, decode, decoded = RecordingRuntime(), codec.decode, []

    def cancel_at_the_third(latents):
        decoded.append(latents)
        if len(decoded) == 3:
            runtime.cancel_after = 0
        return decode(latents)

    codec.decode = cancel_at_the_third
    with pytest.raises(PressedCancelError):
        next(animate(inputs, FakeSpeech(4), codec, runtime))
    assert len(decoded) == 3


def test_a_clip_is_let_go_before_the_next_is_made():
    """Constant memory: whoever takes the clips holds the only reference to them."""
    inputs, codec = perform(RecordingRuntime(), models=with_stand_in_unets(tiny.shared_models()))
    taken, alive = [], []

    def count_alive(_clip, _done, latents):
        gc.collect()
        alive.append(sum(reference() is not None for reference in taken))
        taken.append(weakref.ref(latents))

    for clip in animate(inputs, FakeSpeech(12), codec, RecordingRuntime(), after_step=count_alive):
        taken.append(weakref.ref(clip.frames))
        del clip
    assert alive == [0] * 6


def test_what_the_steps_make_can_be_watched(released):
    inputs, codec = perform(RecordingRuntime())
    steps = []
    for clip in animate(inputs, FakeSpeech(8), codec, RecordingRuntime(), after_step=lambda *step: steps.append(step)):
        frames = clip.frames.whole()
    assert [(clip, done) for clip, done, _latents in steps] == [(0, 1), (0, 2), (1, 1), (1, 2)]
    assert torch.equal(frames, released[4:8])
    (last,) = decode_frames(codec, steps[-1][2][-1:])
    assert torch.equal(last.permute(1, 2, 0), frames[-1])


def prompts(text, seed=5):
    spans = parse_prompts(text)
    return TextPrompts(spans, Transition(0), tiny.normal(seed, len(spans), 768), "an encoder")


def directed_video(adapter=None, frames=10, **over_time):
    inputs, codec = perform(RecordingRuntime())
    models = replace(inputs.models, text_adapter=adapter)
    inputs = replace(inputs, models=models, **over_time)
    clips = animate(inputs, FakeSpeech(frames), codec, RecordingRuntime())
    return torch.cat([clip.frames.whole() for clip in clips])


@pytest.fixture(scope="module")
def trained():
    return seeded_text_adapter(tiny.UNET)


def test_an_untrained_adapter_changes_no_bit(released):
    assert torch.equal(directed_video(zero_text_adapter(tiny.UNET), text=prompts("0- smiling")), released)


def test_prompts_act_from_their_clip_on_and_not_before(released, trained):
    """Clips of four frames. What comes after the span differs too: it goes on from frames that do."""
    got = directed_video(trained, text=prompts("5f-7f smiling"))
    assert torch.equal(got[:4], released[:4])
    for frame in range(4, 10):
        assert not torch.equal(got[frame], released[frame])


def test_an_attached_adapter_without_prompts_changes_no_bit(released, trained):
    assert torch.equal(directed_video(trained), released)
    never = prompts("9f- smiling")
    assert torch.equal(directed_video(trained, text=never, frames=8), released[:8])


def test_strength_zero_is_no_prompt(released, trained):
    inputs, codec = perform(RecordingRuntime(), text_strength=0.0)
    inputs = replace(inputs, models=replace(inputs.models, text_adapter=trained), text=prompts("0- smiling"))
    clips = animate(inputs, FakeSpeech(10), codec, RecordingRuntime())
    assert torch.equal(torch.cat([clip.frames.whole() for clip in clips]), released)


def test_a_constant_weight_timeline_is_the_constant(released):
    """perform() guides by 2 and leaves all weights at 1."""
    constant = parse_weights("pose 1 @ 0-; face 1 @ 0-; lip 1 @ 0-; cfg 2 @ 0-", Transition(0.5))
    assert torch.equal(directed_video(weights=constant), released)


@pytest.mark.parametrize("track", ["lip 2 @ 5f-", "pose 2 @ 5f-", "face 2 @ 5f-", "cfg 4 @ 5f-"])
def test_weights_over_time_act_from_their_clip_on(released, track):
    got = directed_video(weights=parse_weights(track, Transition(0)))
    assert torch.equal(got[:4], released[:4])
    assert not torch.equal(got[5], released[5])
