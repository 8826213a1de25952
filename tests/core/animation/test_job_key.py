"""A request changes with everything that affects the frames, and with nothing else; arithmetic is separate."""

from dataclasses import fields, is_dataclass, replace
from fractions import Fraction
from functools import cache

import pytest
import tiny
import torch
from stand_ins import RecordingRuntime, with_stand_in_unets
from torch import nn

from hallo2_core.animation import job_key
from hallo2_core.animation.acceleration import PRESETS, Acceleration
from hallo2_core.animation.inputs import AnimationInputs
from hallo2_core.animation.job_key import Render, render_key
from hallo2_core.animation.motion_settings import MotionSettings, PatchDropConfig
from hallo2_core.animation.reference_banks import build_reference
from hallo2_core.animation.sampler_config import SamplerConfig
from hallo2_core.audio.speech_embeddings import encode_speech
from hallo2_core.audio.speech_pieces import OURS
from hallo2_core.audio.speech_signal import SpeechSignal
from hallo2_core.audio.waveform import TensorAudio
from hallo2_core.checkpoints.text_control import zero_text_adapter
from hallo2_core.jobs.key import different_parts
from hallo2_core.models.latents import VAECodec
from hallo2_core.payloads import Box
from hallo2_core.runtime import LocalRuntime
from hallo2_core.timeline.prompts import TextPrompts, parse_prompts
from hallo2_core.timeline.transitions import Transition
from hallo2_core.timeline.weights import parse_tracks, parse_weights
from hallo2_core.video.settings import VideoSettings

RATE_HZ = 16_000
SOUND = tiny.normal(1, 1, 5 * RATE_HZ)
# Parts of a key that are settings alone, and the first digits of their fingerprints.
SETTINGS = {
    "acceleration": "ca8e1673",
    "file": "745dc9dd",
    "motion frames": "178069c2",
    "sampler": "70189356",
    "speech": "6471282d",
    "weights over time": "18b0456e",
}
ENCODER, OTHER_ENCODER = nn.Linear(4, 4), nn.Linear(4, 4)


@cache
def a_render():
    """One in which everything acts: guidance, patch-drop, prompts, weights over time."""
    models = replace(with_stand_in_unets(tiny.shared_models()), fingerprint="weights")
    codec = VAECodec(models.vae, RecordingRuntime())
    reference = build_reference(models, tiny.portrait(), codec, RecordingRuntime())
    models = replace(models, text_adapter=zero_text_adapter(tiny.UNET))
    weights = parse_weights("lip 1.2 @ 0-2", Transition())
    inputs = AnimationInputs(models, reference, MotionSettings(), SamplerConfig(), prompts("0-2 smiling"), weights)
    return Render(inputs, speech(), codec, VideoSettings())


def speech(voice=SOUND, rate_hz=RATE_HZ, fps=25, encoder=ENCODER, **how):
    return encode_speech(TensorAudio(voice, rate_hz), encoder, fps, **how)


def prompts(text):
    return TextPrompts(parse_prompts(text), Transition(), torch.zeros(1, 8), "an encoder")


def changed(thing, path, value):
    """A copy with another value at a dotted path of fields."""
    first, _, rest = path.partition(".")
    return replace(thing, **{first: changed(getattr(thing, first), rest, value) if rest else value})


def name(render):
    return render_key(render, LocalRuntime()).name


# Every field of every dataclass that a render is made of → another value, and whether a video of it is another video.
COUNTS, DOES_NOT = True, False
FIELDS = {
    "inputs.models.fingerprint": ("others", COUNTS),
    "inputs.reference.portrait.pixels": (-tiny.portrait().pixels, COUNTS),
    "inputs.reference.portrait.face_region": (1 - tiny.portrait().face_region, COUNTS),
    "inputs.reference.portrait.masks.pose": (tiny.region_masks(8, 8, seed=9).pose, COUNTS),
    "inputs.reference.portrait.masks.face": (tiny.region_masks(8, 8, seed=9).face, COUNTS),
    "inputs.reference.portrait.masks.lip": (tiny.region_masks(8, 8, seed=9).lip, COUNTS),
    "inputs.reference.portrait.identity": (torch.zeros(512), COUNTS),
    "inputs.reference.portrait.crop": (Box(1, 2, 33, 44), DOES_NOT),  # where the pixels come from
    "inputs.reference.portrait.source": (torch.zeros(9, 9, 3), DOES_NOT),
    "inputs.reference.portrait.face_box": (Box(1, 2, 3, 4), DOES_NOT),
    "inputs.reference.portrait.notes": (("It looks soft.",), DOES_NOT),
    "inputs.reference.banks.layers": ({}, DOES_NOT),  # computed from portrait and weights, as the next two
    "inputs.reference.face_tokens": (torch.zeros(2, 4, 24), DOES_NOT),
    "inputs.reference.face_map": (torch.zeros(1, 32, 8, 8), DOES_NOT),
    "inputs.reference.weights": (("weights", "another VAE"), COUNTS),
    "inputs.motion.clip.frames": (12, COUNTS),
    "inputs.motion.clip.motion_frames": (3, COUNTS),
    "inputs.motion.patch_drop.rate": (0.3, COUNTS),
    "inputs.motion.patch_drop.patch_px": (2, COUNTS),
    "inputs.motion.patch_drop.keep_face": (False, COUNTS),
    "inputs.motion.patch_drop.noise_sigma": (0.1, COUNTS),
    "inputs.motion.patch_drop.seed": (7, COUNTS),
    "inputs.motion.patch_drop.noise_time": (0, COUNTS),
    "inputs.motion.patch_drop.noise_as_trained": (True, COUNTS),
    "inputs.motion.patch_drop.adaptive": (True, COUNTS),
    "inputs.motion.start_frames": (torch.zeros(2, 64, 64, 3), COUNTS),
    "inputs.motion.colour_match": (True, COUNTS),
    "inputs.sampler.steps": (39, COUNTS),
    "inputs.sampler.guidance": (3.4, COUNTS),
    "inputs.sampler.seed": (1, COUNTS),
    "inputs.sampler.weights.pose": (1.1, COUNTS),
    "inputs.sampler.weights.face": (1.1, COUNTS),
    "inputs.sampler.weights.lip": (1.1, COUNTS),
    "inputs.sampler.legacy_rng": (True, COUNTS),
    "inputs.sampler.clip_noise": ("repeated", COUNTS),
    "inputs.sampler.reference_banks": ("aligned", COUNTS),
    "inputs.sampler.text_strength": (0.5, COUNTS),
    "inputs.sampler.text_scale": (2.0, COUNTS),
    "inputs.sampler.acceleration.solver": ("dpm++2m", COUNTS),
    "inputs.sampler.acceleration.step_share": (0.5, COUNTS),
    "inputs.sampler.acceleration.guided_from": (0.5, COUNTS),
    "inputs.sampler.acceleration.guided_until": (0.5, COUNTS),
    "inputs.sampler.acceleration.unconditional_every": (2, COUNTS),
    "inputs.sampler.acceleration.deep_every": (2, COUNTS),
    "inputs.text.spans": (parse_prompts("0-1 smiling"), COUNTS),
    "inputs.text.transition.seconds": (0.2, COUNTS),
    "inputs.text.transition.shape": ("smooth", COUNTS),
    "inputs.text.embeddings": (torch.ones(1, 8), DOES_NOT),  # computed from the text by the encoder
    "inputs.text.encoder": ("another", COUNTS),
    "inputs.text.notes": (("No prompt acts in 2-.",), DOES_NOT),
    "inputs.weights.tracks": (parse_tracks("lip 1.3 @ 0-2"), COUNTS),
    "inputs.weights.transition.seconds": (0.2, COUNTS),
    "inputs.weights.transition.shape": ("smooth", COUNTS),
    "speech.audio": (TensorAudio(SOUND + torch.eye(1, SOUND.shape[1]) / 1000, RATE_HZ), COUNTS),
    "speech.encoder": (OTHER_ENCODER, COUNTS),
    "speech.fps": (Fraction(24), COUNTS),
    "speech.frames": (99, DOES_NOT),  # follows from sound and frame rate
    "speech.pieces.piece_seconds": (50.0, COUNTS),
    "speech.pieces.context_seconds": (3.0, COUNTS),
    "speech.pieces.normalize": ("piece", COUNTS),
    "speech.signal": (SpeechSignal(TensorAudio(SOUND, RATE_HZ), "soxr"), COUNTS),
    "codec": (VAECodec(tiny.models().vae.double(), RecordingRuntime()), COUNTS),
    "settings.codec": ("h265", COUNTS),
    "settings.bit_depth": (10, COUNTS),
    "settings.quality": (0, COUNTS),
    "settings.preset": ("slow", COUNTS),
    "steady.levels": (6.0, COUNTS),
    "metadata.choice": ("mark", COUNTS),
    "metadata.workflow": ({"prompt": "{}"}, DOES_NOT),  # says how the video was asked for
}
NAMED_BY_FINGERPRINT = "inputs.models."


@pytest.mark.parametrize("path", FIELDS)
def test_what_counts(path):
    value, counts = FIELDS[path]
    assert (name(changed(a_render(), path, value)) != name(a_render())) == counts


def test_the_table_has_every_field():
    found = {path for path in paths_of(a_render()) if not path.startswith(NAMED_BY_FINGERPRINT)}
    assert found == {path for path in FIELDS if not path.startswith(NAMED_BY_FINGERPRINT)}


def paths_of(thing, before=""):
    """Of all fields that are no dataclasses themselves."""
    for field in fields(thing):
        value = getattr(thing, field.name)
        if is_dataclass(value) and not isinstance(value, Box):
            yield from paths_of(value, f"{before}{field.name}.")
        else:
            yield before + field.name


DO_NOTHING = {
    "text settings without prompts": (
        {"inputs.text": None},
        {"inputs.sampler.text_strength": 0.5, "inputs.sampler.text_scale": 2.0, "inputs.models.text_adapter": None},
    ),
    "text settings with an empty timeline": (
        {"inputs.text": replace(prompts("0-2 smiling"), spans=())},
        {"inputs.sampler.text_strength": 0.5, "inputs.text": None, "inputs.text.transition.seconds": 1.0},
    ),
    "an empty timeline of weights": (
        {"inputs.weights": parse_weights("", Transition())},
        {"inputs.weights": None, "inputs.weights.transition.seconds": 1.0},
    ),
    "the choice of banks without guidance": (
        {"inputs.sampler.guidance": 1.0},
        {"inputs.sampler.reference_banks": "aligned", "inputs.sampler.guidance": 1.0},
    ),
    "when and how often an unguided video is guided": (
        {"inputs.sampler.guidance": 1.0},
        {"inputs.sampler.acceleration.guided_until": 0.5, "inputs.sampler.acceleration.unconditional_every": 2},
    ),
    "half the steps of twice as many": (
        {"inputs.sampler.steps": 20},
        {"inputs.sampler": SamplerConfig(steps=40, acceleration=Acceleration(step_share=0.5))},
    ),
    "patches where nothing is dropped": (
        {"inputs.motion.patch_drop": PatchDropConfig(rate=0.0)},
        {
            "inputs.motion.patch_drop.patch_px": 8,
            "inputs.motion.patch_drop.keep_face": False,
            "inputs.motion.patch_drop.seed": 7,
        },
    ),
    "patch-drop's seed under the release's generator": (
        {"inputs.sampler.legacy_rng": True},
        {"inputs.motion.patch_drop.seed": 7},
    ),
}


@pytest.mark.parametrize("case", DO_NOTHING)
def test_what_does_nothing_does_not_count(case):
    setting, changes = DO_NOTHING[case]
    render = a_render()
    for path, value in setting.items():
        render = changed(render, path, value)
    for path, value in changes.items():
        assert name(changed(render, path, value)) == name(render), path


@pytest.mark.parametrize(
    "acting",
    [
        {"rate": 0.0, "noise_sigma": 0.1},
        {"rate": 0.0, "noise_time": 3},
        {"rate": 0.0, "noise_as_trained": True},
        {"rate": 0.0, "adaptive": True},
    ],
    ids=str,
)
def test_the_seed_counts_wherever_it_is_drawn_from(acting):
    drop = PatchDropConfig(**acting)
    one, other = (changed(a_render(), "inputs.motion.patch_drop", replace(drop, seed=seed)) for seed in (1, 2))
    assert name(one) != name(other)


def test_equal_inputs_have_equal_keys_however_they_came():
    render = changed(a_render(), "inputs.reference.portrait.pixels", tiny.portrait().pixels.clone())
    assert name(render) == name(a_render()) == name(replace(a_render(), speech=speech(SOUND.clone())))
    stereo_as_int = (SOUND.clamp(-1, 1) * 32767).short()
    as_float = replace(a_render(), speech=speech(stereo_as_int.float() / 32768))
    assert name(replace(a_render(), speech=speech(stereo_as_int))) == name(as_float)


def test_an_exact_video_has_the_key_it_had_before_there_was_acceleration():
    exact, accelerated = (
        render_key(changed(a_render(), "inputs.sampler.acceleration", Acceleration(each)), LocalRuntime()).request
        for each in ("ddim", "dpm++2m")
    )
    assert set(accelerated) - set(exact) == {"acceleration"}
    assert {part: accelerated[part] for part in exact} == exact


def test_settings_have_the_names_that_saved_jobs_have():
    """Names of classes and fields count. After a rename, finished videos would not be found again but rendered anew."""
    request = render_key(changed(a_render(), "inputs.sampler.acceleration", PRESETS["fast"]), LocalRuntime()).request
    assert {part: request[part][:8] for part in SETTINGS} == SETTINGS


def test_the_voice_counts_besides_the_sound_it_is_a_part_of():
    half = SOUND * (torch.arange(SOUND.shape[1]) < SOUND.shape[1] // 2)
    key = render_key(replace(a_render(), speech=speech(half, sound=TensorAudio(SOUND, RATE_HZ))), LocalRuntime())
    assert different_parts(render_key(a_render(), LocalRuntime()).request, key.request) == ["speech", "voice"]
    itself = replace(a_render(), speech=speech(SOUND.clone(), sound=TensorAudio(SOUND, RATE_HZ), pieces=OURS))
    assert name(itself) == name(a_render())


def test_timelines_count_by_what_they_say():
    for path, written, shorter in (
        ("inputs.weights", parse_weights("lip 1.20 @ 0:01-2s ; pose 1 @ 1-", Transition()),
         parse_weights("pose 1.0 @ 1-; lip 1.2@1-2", Transition())),
        ("inputs.text", prompts("0-2s  smiling;"), prompts("0-2 smiling")),
    ):  # fmt: skip
        assert name(changed(a_render(), path, written)) == name(changed(a_render(), path, shorter))


def test_last_bits_that_another_torch_gives_do_not_count():
    """Of what is computed before the render: the portrait's bytes and the embedding."""
    portrait = a_render().inputs.reference.portrait
    nudged = {
        "pixels": torch.nextafter(portrait.pixels, torch.tensor(9.0)),
        "identity": torch.nextafter(portrait.identity, torch.tensor(9.0)),
    }
    as_bytes = ((portrait.pixels / 2 + 0.5) * 255).round() / 255 * 2 - 1
    render = changed(a_render(), "inputs.reference.portrait.pixels", as_bytes)
    for field, value in (nudged | {"pixels": torch.nextafter(as_bytes, torch.tensor(9.0))}).items():
        assert name(changed(render, f"inputs.reference.portrait.{field}", value)) == name(render)


def test_arithmetic_is_apart_and_every_entry_of_it_is_named(monkeypatch):
    before = render_key(a_render(), LocalRuntime())
    with monkeypatch.context() as patch:
        patch.setattr(torch, "__version__", "another")
        patch.setattr(job_key, "ANIMATION_ARITHMETIC", 99)
        patch.setattr(job_key, "encoder_version", lambda: "another")
        now = render_key(a_render(), LocalRuntime())
    elsewhere = render_key(a_render(), LocalRuntime("meta"))
    assert before.request == now.request == elsewhere.request
    assert different_parts(before.arithmetic, now.arithmetic) == ["ARITHMETIC", "encoder", "torch"]
    assert different_parts(before.arithmetic, elsewhere.arithmetic) == ["device"]
    assert before.arithmetic["dtype"] == "float32"


def test_a_key_is_a_short_name_for_a_folder_and_says_what_it_is():
    key = render_key(a_render(), LocalRuntime())
    assert key.name.isalnum() and len(key.name) == 32
    assert key.what == "animation, 64x64, 25 frames a second" and key.frames == 125
