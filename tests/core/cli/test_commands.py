"""The `hallo2` command, as a user types it."""

import io
import json
import math
import subprocess
import sys
import wave
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import pytest
import torch
from safetensors.torch import load_file

from hallo2_core.animation.acceleration import PRESETS, Acceleration
from hallo2_core.animation.motion_settings import PatchDropConfig
from hallo2_core.animation.render import RenderedVideo
from hallo2_core.checkpoints.lora import write_lora
from hallo2_core.checkpoints.small_model import SMALL_SETTINGS
from hallo2_core.cli import animate, main, motion_args, sampling_args
from hallo2_core.cli.inspect import prepared_size
from hallo2_core.models.hallo2_models import FewSteps
from hallo2_core.timeline.transitions import Transition

ROOT = Path(__file__).parents[3]
PORTRAIT = ROOT / "hallo2_core" / "examples" / "portrait.png"
MEDIA = ROOT / "tests" / "media"
DONE = RenderedVideo(Path("o.mp4"), 18, Fraction(25), 64, 64, 0)


def hallo2(*arguments):
    """In this process, which has imported everything already."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            status = main(list(map(str, arguments)))
        except SystemExit as ended:
            status = ended.code
    return subprocess.CompletedProcess(arguments, status, out.getvalue(), err.getvalue())


@pytest.fixture(scope="module")
def short_voice(tmp_path_factory):
    """0.7 s of the shipped voice: 18 frames, so a second clip of two."""
    path = tmp_path_factory.mktemp("voice") / "short.wav"
    with wave.open(str(ROOT / "hallo2_core" / "examples" / "voice.wav")) as voice, wave.open(str(path), "wb") as short:
        short.setparams(voice.getparams())
        short.writeframes(voice.readframes(int(0.7 * voice.getframerate())))
    return path


@pytest.fixture(scope="module")
def animated(short_voice, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "talking.mp4"
    command = ["animate", "--portrait", PORTRAIT, "--audio", short_voice, "--out", out]
    return command, hallo2(*command, "--size", "64x64", "--steps", 1, "--json"), out


def test_animate_makes_a_video_as_long_as_its_sound(animated, short_voice):
    _command, done, out = animated
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["out"] == str(out) and told["frames"] == math.ceil(0.7 * 25) == 18
    assert (told["width"], told["height"], told["fps"], told["resumed_from_clip"]) == (64, 64, 25.0, 0)
    assert "trained on cartoons" in done.stderr
    with av.open(str(out)) as video:
        assert sum(1 for _ in video.decode(video=0)) == 18
    with av.open(str(out)) as video:
        assert video.streams.audio[0].rate == 22050


def test_the_video_carries_the_sound_while_the_voice_moves_the_face(short_voice, tmp_path):
    sound = MEDIA / "silence.wav"  # 2 s at 16 kHz
    out = tmp_path / "talking.mp4"
    done = hallo2("animate", "--portrait", PORTRAIT, "--audio", short_voice, "--sound", sound, "--out", out,
                  "--size", "64x64", "--steps", 1)  # fmt: skip
    assert done.returncode == 0, done.stderr
    with av.open(str(out)) as video:
        assert sum(1 for _ in video.decode(video=0)) == 50
    with av.open(str(out)) as video:
        assert video.streams.audio[0].rate == 16000
        assert not any(frame.to_ndarray().any() for frame in video.decode(audio=0))


def test_only_the_video_and_a_small_journal_stay(animated):
    _command, _done, out = animated
    job = out.with_name(f"{out.name}.hallo2")
    assert sorted(path.name for path in out.parent.iterdir()) == [out.name, job.name]
    assert [path.name for path in job.iterdir()] == ["journal.json"]


def test_a_finished_video_is_not_made_again(animated):
    command, _done, out = animated
    before = out.stat().st_mtime_ns
    again = hallo2(*command, "--size", "64x64", "--steps", 1, "--json")
    assert again.returncode == 0 and json.loads(again.stdout)["resumed_from_clip"] == 2
    assert out.stat().st_mtime_ns == before


def test_fresh_starts_over_under_a_new_name(animated):
    command, _done, out = animated
    fresh = hallo2(*command, "--size", "64x64", "--steps", 1, "--fresh", "--json")
    assert fresh.returncode == 0, fresh.stderr
    assert json.loads(fresh.stdout)["out"] == str(out.with_name("talking-2.mp4"))


def test_prompts_and_weights_over_time_come_to_the_render(short_voice, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr("hallo2_core.animation.render.render_video", lambda render, *_rest: seen.append(render) or DONE)
    adapter = tmp_path / "smile.safetensors"
    assert main(["new-adapter", str(adapter), "--model", "demo"]) == 0
    given = ["animate", "--portrait", PORTRAIT, "--audio", short_voice, "--out", tmp_path / "o.mp4", "--size", "64x64",
             "--text", "0-0.2 smiling; 0.2- serious", "--text-adapter", adapter, "--text-strength", 0.5,
             "--text-scale", 2, "--weights", "lip 1.2 @ 0-", "--transition", 0.1, "--blend", "smooth"]  # fmt: skip
    assert main(list(map(str, given))) == 0
    inputs = seen[0].inputs
    assert str(inputs.text) == "0-0.2 smiling; 0.2- serious"
    assert inputs.models.text_adapter.is_zero
    assert str(inputs.weights) == "lip 1.2 @ 0-"
    assert inputs.weights.transition == inputs.text.transition == Transition(0.1, "smooth")
    assert (inputs.sampler.text_strength, inputs.sampler.text_scale) == (0.5, 2.0)


def test_the_demo_model_has_its_own_settings_adapter_and_text_encoder(short_voice, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr("hallo2_core.animation.render.render_video", lambda render, *_rest: seen.append(render) or DONE)
    given = ["animate", "--portrait", PORTRAIT, "--audio", short_voice, "--out", tmp_path / "o.mp4"]
    assert main(list(map(str, [*given, "--text", "0-0.3 happy; 0.3- angry"]))) == 0
    assert main(list(map(str, [*given, "--steps", 3, "--cfg", 2, "--size", "64x128", "--steady", 0]))) == 0
    assert main(list(map(str, [*given, "--few-step", "demo"]))) == 0
    usual = SMALL_SETTINGS.steady_levels
    assert [render.steady.levels for render in seen] == [usual, 0.0, usual] and usual > 0
    demo, own, student = (render.inputs for render in seen)
    assert (student.sampler.steps, student.sampler.guidance, student.models.few_steps) == (4, 1.0, FewSteps(4))
    assert (demo.sampler.steps, demo.sampler.guidance) == (SMALL_SETTINGS.steps, SMALL_SETTINGS.guidance)
    assert (demo.reference.portrait.width, demo.reference.portrait.height) == (128, 128)
    assert demo.text.embeddings.shape[1] == demo.models.text_adapter.config.text_width
    assert not demo.models.text_adapter.is_zero
    assert (own.sampler.steps, own.sampler.guidance, own.models.text_adapter) == (3, 2.0, None)
    assert (own.reference.portrait.width, own.reference.portrait.height) == (64, 128)


def test_a_few_step_lora_sets_steps_and_guidance_unless_they_are_given(tmp_path, monkeypatch, capsys):
    seen = []
    monkeypatch.setattr(animate, "run", lambda arguments: seen.append(sampling_args.chosen_sampler(arguments)) or 0)
    few, plain, tensors = (
        tmp_path / "few.safetensors",
        tmp_path / "face.safetensors",
        {"x.lora_A.weight": torch.ones(1)},
    )
    write_lora(tensors, 1.0, few, few_steps=FewSteps(2))
    write_lora(tensors, 1.0, plain)
    given = ["animate", "--portrait", "p", "--audio", "a", "--out", "o.mp4", "--few-step"]
    assert main([*given, str(few)]) == 0
    assert main([*given, str(few), "--steps", "3", "--cfg", "1.2"]) == 0
    assert [(sampler.steps, sampler.guidance) for sampler in seen] == [(2, 1.0), (3, 1.2)]
    assert main([*given, str(plain)]) == 2
    assert "not one for few steps. Choose it with --lora" in capsys.readouterr().err


def test_new_adapter_writes_what_can_be_attached(tmp_path):
    from hallo2_core.checkpoints.small_model import SMALL_HALLO2
    from hallo2_core.checkpoints.text_control import load_text_adapter

    done = hallo2("new-adapter", tmp_path / "mine.safetensors", "--model", "demo", "--hidden-width", "16")
    assert done.returncode == 0 and "no effect until it is trained" in done.stderr
    adapter = load_text_adapter(tmp_path / "mine.safetensors")
    assert adapter.is_zero and adapter.config.hidden_width == 16 and adapter.config.fits(SMALL_HALLO2.unet)
    assert hallo2("new-adapter", tmp_path / "mine.safetensors").returncode == 2
    assert hallo2("new-adapter", tmp_path / "none.safetensors", "--hidden-width", "0").returncode == 2
    assert [path.name for path in tmp_path.iterdir()] == ["mine.safetensors"]


def test_convert_keeps_every_tensor(tmp_path):
    tensors = {"denoising_unet.a": torch.rand(3, 4).half(), "b": torch.arange(5)}
    torch.save(tensors, tmp_path / "net.pth")
    done = hallo2("convert", tmp_path / "net.pth", tmp_path / "net.safetensors")
    assert done.returncode == 0, done.stderr
    converted = load_file(tmp_path / "net.safetensors")
    assert converted.keys() == tensors.keys()
    assert all(torch.equal(converted[key], tensor) for key, tensor in tensors.items())
    assert hallo2("convert", tmp_path / "net.pth", tmp_path / "net.safetensors").returncode == 2


def test_check_names_what_is_missing_and_where_it_comes_from(tmp_path):
    done = hallo2("check", "--models", tmp_path)
    assert done.returncode == 1
    for said in ("net.pth", "wav2vec2-base-960h", "vae", "huggingface.co", "license"):
        assert said in done.stdout
    assert hallo2("check", "--models", tmp_path / "nowhere").returncode == 2


def test_version_and_help():
    command = [sys.executable, "-m", "hallo2_core", "--version"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.startswith("hallo2 0.")
    listed = hallo2("--help").stdout
    assert all(command in listed for command in ("animate", "inspect", "check", "convert", "selftest", "new-adapter"))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], (2, PatchDropConfig())),
        (["--motion-preset", "paper"], (4, PatchDropConfig(noise_as_trained=True))),
        (["--motion-preset", "paper", "--noise", "0", "--motion-frames", "3"], (3, PatchDropConfig())),
        (["--motion-preset", "paper", "--noise-time", "0"], (4, PatchDropConfig(noise_time=0))),
        (
            [
                "--noise-as-trained",
                "--drop-rate",
                "0",
                "--patch-size",
                "8",
                "--drop-seed",
                "7",
                "--adaptive-drop",
                "--colour-match",
            ],
            (2, PatchDropConfig(0.0, 8, seed=7, noise_as_trained=True, adaptive=True)),
        ),
    ],
)
def test_motion_frames_are_the_presets_but_where_told_otherwise(given, expected, monkeypatch):
    seen = []
    monkeypatch.setattr(animate, "run", lambda arguments: seen.append(motion_args.chosen_motion(arguments)) or 0)
    assert main(["animate", "--portrait", "p", "--audio", "a", "--out", "o.mp4", *given]) == 0
    assert (seen[0].clip.motion_frames, seen[0].patch_drop) == expected
    assert seen[0].colour_match == ("--colour-match" in given)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], Acceleration()),
        (["--solver", "dpm++2m", "--step-share", "0.5"], Acceleration("dpm++2m", 0.5)),
        (["--guided-steps", ".1-0.6"], Acceleration(guided_from=0.1, guided_until=0.6)),
        (["--unconditional-every", "3"], Acceleration(unconditional_every=3)),
        (["--accelerate", "exact", "--deep-every", "2"], Acceleration(deep_every=2)),
        (["--accelerate", "fast"], PRESETS["fast"]),
        (["--accelerate", "balanced", "--solver", "ddim"], replace(PRESETS["balanced"], solver="ddim")),
    ],
)
def test_acceleration_is_off_unless_chosen(given, expected, monkeypatch):
    seen = []
    monkeypatch.setattr(animate, "run", lambda arguments: seen.append(sampling_args.chosen_sampler(arguments)) or 0)
    assert main(["animate", "--portrait", "p", "--audio", "a", "--out", "o.mp4", *given]) == 0
    assert seen[0].acceleration == expected


def test_inspect_writes_a_plot_and_a_table_beside_the_video(animated, tmp_path, capsys):
    _command, _done, out = animated
    given = ["inspect", str(out), "--portrait", str(PORTRAIT), "--out", str(tmp_path)]
    assert main([*given, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["frames"] == 18 and told["clips"] == 2 and told["seam_jump"] > 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["talking.inspect.csv", "talking.inspect.png"]
    assert main(given) == 0 and (tmp_path / "talking.inspect-2.png").is_file()
    assert "Worst moments" in capsys.readouterr().out


def test_inspect_refuses_what_is_no_video_in_one_line(capsys, tmp_path):
    assert main(["inspect", str(PORTRAIT), "--clip-frames", "0"]) == 2
    assert main(["inspect", str(MEDIA / "corrupt.wav"), "--out", str(tmp_path / "new")]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 2 and not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("video", "prepared"), [((512, 768), (512, 768)), ((500, 500), (512, 512)), ((1920, 1080), (512, 256))]
)
def test_a_portrait_is_prepared_in_the_shape_of_the_video(video, prepared):
    assert prepared_size(*video) == prepared
