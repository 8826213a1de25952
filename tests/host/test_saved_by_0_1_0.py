"""Workflows as version 0.1.0 saved them, opened in today's editor and run."""

import wave
from pathlib import Path

import pytest

SAVED = Path(__file__).parent / "saved_by_0_1_0"
SECONDS, SAMPLE, SAVE = 1, "9", "10"


@pytest.fixture
def short_voice(host, pack, tmp_path):
    """The files that the workflows name, the voice cut short."""
    examples = pack / "hallo2_core" / "examples"
    with wave.open(str(examples / "voice.wav")) as whole, wave.open(str(tmp_path / "speech.wav"), "wb") as part:
        part.setparams(whole.getparams())
        part.writeframes(whole.readframes(SECONDS * whole.getframerate()))
    host.add_input(tmp_path / "speech.wav")
    host.add_input(examples / "portrait.png")


@pytest.mark.parametrize(("name", "side"), [("animate_with_prompts", 128), ("animate_and_upscale", 256)])
def test_it_opens_and_runs_with_its_settings(host, editor, short_voice, film, name, side):
    seen = editor([SAVED / f"{name}.json"])[name]
    assert not seen["missing"] and not seen["dialogs"] and not seen["console_errors"]
    graph = seen["prompt"]
    sample = graph[SAMPLE]["inputs"]
    settings = {"steps": 4, "cfg": 3.5, "seed": 42, "lip_weight": 1, "codec": "h264", "reference_banks": "released"}
    assert {key: sample[key] for key in settings} == settings
    sample["steps"] = 1
    run = host.run(graph)
    assert run.status == "success", run.message
    (saved,) = host.saved_files(run, SAVE)
    assert film(saved).frames.shape == (25 * SECONDS, side, side, 3)
