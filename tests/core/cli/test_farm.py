"""`hallo2 farm` before Ray: what its lines mean, and what is refused."""

import builtins
import json
import sys
import wave
from pathlib import Path

import fsspec
import pytest

from hallo2_core.cli import main
from hallo2_core.cli.farm import carry_out, checked
from hallo2_core.errors import Hallo2Error, SettingsError
from hallo2_core.farm.orders import Order
from hallo2_core.farm.worker import Progress

EXAMPLES = Path(__file__).parents[3] / "hallo2_core" / "examples"


@pytest.fixture
def order(short_voice):
    def made(**more):
        return Order(1, {"portrait": str(EXAMPLES / "portrait.png"), "audio": str(short_voice), "out": "a.mp4", **more})

    return made


@pytest.fixture
def short_voice(tmp_path):
    path = tmp_path / "voice.wav"
    with wave.open(str(EXAMPLES / "voice.wav")) as whole, wave.open(str(path), "wb") as part:
        part.setparams(whole.getparams())
        part.writeframes(whole.readframes(whole.getframerate()))
    return path


def test_paths_become_absolute(order, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = checked(order(audio="voice.wav", model="demo", text="0- happy"))
    assert made.options["audio"] == str(tmp_path / "voice.wav") and made.out == str(tmp_path / "a.mp4")
    assert made.options["model"] == "demo" and made.options["text"] == "0- happy"


def test_weights_that_are_files_become_absolute_too(order, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.pth").touch()
    made = checked(order(audio="voice.wav", model="net.pth", few_step="net.pth", text_adapter="zero"))
    assert made.options["model"] == made.options["few_step"] == str(tmp_path / "net.pth")
    assert made.options["text_adapter"] == "zero"


def test_addresses_stay(order):
    made = checked(order(audio="s3://bucket/voice.wav", out="s3://bucket/a.mp4"))
    assert made.options["audio"] == "s3://bucket/voice.wav" and made.out == "s3://bucket/a.mp4"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"portrait": "nobody.png"}, "no file nobody.png for 'portrait'"),
        ({"few_step": "none.safetensors"}, "no file none.safetensors for 'few_step'"),
        ({"stepz": 4}, "unrecognized arguments: --stepz=4"),
        ({"steps": "many"}, "--steps"),
        ({"codec": "gif"}, "--codec"),
    ],
)
def test_wrong_options_are_refused(order, more, said):
    with pytest.raises(SettingsError, match=said):
        checked(order(**more))


def test_sections_with_the_release_s_random_numbers_are_refused(order):
    with pytest.raises(SettingsError, match="excludes section_seconds"):
        checked(Order(1, order(legacy_rng=True).options, section_seconds=300.0))


def test_wrong_options_of_the_upscaler_are_refused(order):
    with pytest.raises(SettingsError, match="unrecognized arguments: --fidelty=1"):
        checked(Order(1, order().options, {"fidelty": 1}))


def test_every_wrong_line_is_named_and_nothing_starts(tmp_path, capsys):
    jobs = tmp_path / "jobs.jsonl"
    jobs.write_text('{"out": "a.mp4"}\n{"out": "b.mp4", "portrait": "p.png", "audio": "a.wav"}\n', encoding="utf-8")
    assert main(["farm", str(jobs)]) == 2
    said = capsys.readouterr().err
    assert "because of 2 of its jobs: line 1: " in said and "line 2: there is no file p.png" in said


@pytest.mark.parametrize("option", ["--helpers", "--retries"])
def test_a_negative_number_is_refused(tmp_path, capsys, option):
    assert main(["farm", str(tmp_path / "jobs.jsonl"), f"{option}=-1"]) == 2
    assert f"{option} is -1; choose 0 or more." in capsys.readouterr().err


def test_without_the_extra_it_says_what_to_install(order, tmp_path, capsys, monkeypatch):
    jobs = tmp_path / "jobs.jsonl"
    jobs.write_text(json.dumps(dict(order().options)), encoding="utf-8")
    real = builtins.__import__

    def without_ray(name, *more, **named):
        if name == "ray":
            raise ImportError("No module named 'ray'")
        return real(name, *more, **named)

    monkeypatch.setattr(builtins, "__import__", without_ray)
    monkeypatch.delitem(sys.modules, "ray", raising=False)
    assert main(["farm", str(jobs)]) == 2
    assert "needs the package ray" in capsys.readouterr().err


def test_a_worker_animates_and_enlarges_and_reports(order, tmp_path):
    told: list[Progress] = []
    made = order(out=str(tmp_path / "a.mp4"), steps=1, cfg=1.0)
    video = carry_out(Order(1, made.options, {"scale": 2.0}), told.append)
    assert (video["frames"], video["width"], video["out"]) == (25, 256, str(tmp_path / "a.mp4"))
    assert (tmp_path / "a_animated.mp4").is_file()
    assert {progress.part for progress in told} == {"animate", "upscale"}
    assert any(progress.done == progress.total > 0 for progress in told)


def test_a_worker_with_remote_files_leaves_only_the_video_and_its_journal(order, short_voice):
    storage = fsspec.filesystem("memory")
    storage.put_file(str(short_voice), "/in/voice.wav")
    video = carry_out(order(audio="memory://in/voice.wav", out="memory://out/a.mp4", steps=1, cfg=1.0), lambda _: None)
    assert video["out"] == "memory://out/a.mp4" and storage.size("/out/a.mp4") > 1000
    assert [path for path in storage.find("/out") if not path.endswith("journal.json")] == ["/out/a.mp4"]
    again = carry_out(order(audio="memory://in/voice.wav", out="memory://out/a.mp4", steps=1, cfg=1.0), lambda _: None)
    assert again["resumed_from_clip"] > 0
    storage.store.clear()


def test_what_a_worker_refuses_is_a_message(order):
    with pytest.raises(Hallo2Error):
        carry_out(order(size="100x128"), lambda _: None)
