"""`make paper`: what is kept and what is measured again, what the figures see, and what the page says."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[2]
sys.path += [str(ROOT / "tools"), str(ROOT / "tests" / "bench")]

from doc_blocks import fill_blocks  # noqa: E402
from paper import long_videos  # noqa: E402
from paper.findings import findings, is_less  # noqa: E402
from paper.kept import KeptResults, Result  # noqa: E402
from paper.long_videos import DRAWN, LongVideos  # noqa: E402
from paper.page import blocks  # noqa: E402
from paper.pictures import curves, rows_of_frames  # noqa: E402
from paper.results import Results  # noqa: E402
from PIL import Image  # noqa: E402
from quality.clips import SPLIT, Settings  # noqa: E402
from quality.long_video import BOTH, NEITHER, VARIANTS  # noqa: E402

from hallo2_core.training.actor_recognition import ActorRecognizer  # noqa: E402
from hallo2_core.training.cartoons import EXPRESSIONS, Actor, Direction, Mood, Performance, Tracks, draw  # noqa: E402

SIZE, FRAMES = 64, 64


def test_a_result_is_measured_once_for_the_same_settings_and_weights(tmp_path):
    weights, calls = tmp_path / "small.safetensors", []
    weights.write_bytes(b"weights")

    def result(**settings):
        def measure():
            calls.append(settings)
            return {"value": 0.5, "curve": [1.0, 2.0]}

        return KeptResults(tmp_path / "kept").result("one", settings, [weights], measure)

    first = result(seconds=1.28)
    assert result(seconds=1.28) == first and len(calls) == 1
    assert first.figures == {"value": 0.5, "curve": [1.0, 2.0]} and set(first.weights) == {"small.safetensors"}
    result(seconds=6.4)
    assert len(calls) == 2


def test_a_result_of_other_weights_is_measured_again(tmp_path):
    calls = []
    for content in (b"old", b"new"):
        (tmp_path / content.decode()).mkdir()
        weights = tmp_path / content.decode() / "small.safetensors"
        weights.write_bytes(content)
        KeptResults(tmp_path / "kept").result("one", {}, [weights], lambda: calls.append(1) or {})
    assert len(calls) == 2


def test_a_stopped_measurement_leaves_nothing_behind(tmp_path):
    def stopped():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        KeptResults(tmp_path).result("one", {}, [], stopped)
    assert not list(tmp_path.iterdir())


class Latents:
    """A VAE whose latents are the colors themselves, and a fourth channel of zeros."""

    @staticmethod
    def encode(pixels):
        return torch.nn.functional.pad(torch.nn.functional.avg_pool2d(pixels, 8), (0, 0, 0, 0, 0, 1))


class FadingActor:
    """A pipeline that draws the truth; without patch-drop it turns red."""

    settings, vae = Settings(size_px=SIZE), Latents()

    def portrait(self, seed, played):
        return seed, played

    def through_vae(self, frames):
        return frames

    def talk(self, portrait, samples, patch_drop):
        seed, played = portrait
        for first in range(0, played.frames, 16):
            frames = draw(Actor.from_seed(seed, SPLIT), played.tracks[first : first + 16], SIZE)
            if not patch_drop.rate:
                share = torch.linspace(0.0, 0.5, played.frames)[first : first + 16].reshape(-1, 1, 1, 1)
                frames = frames + share * (torch.tensor([1.0, 0.0, 0.0]) - frames)
            yield frames


@pytest.fixture
def videos(monkeypatch):
    times = torch.arange(FRAMES) / 3
    tracks = replace(Tracks.still(FRAMES), mouth_open=0.5 + 0.5 * torch.sin(times))
    played = Performance(torch.zeros(FRAMES * 640), tracks, Direction((Mood(0.0, "neutral"),)), "")
    monkeypatch.setattr(long_videos, "performance", lambda seed, split, seconds: played)
    generator = torch.Generator().manual_seed(3)
    recognizer = ActorRecognizer(torch.full((24 * 24 * 3,), 0.4), torch.randn(24 * 24 * 3, 32, generator=generator))
    return LongVideos(FadingActor(), recognizer, 2, FRAMES / 25)


def test_a_video_that_fades_is_far_from_the_drawn_one_and_goes_further(videos, tmp_path):
    kept, faded, drawn = (
        videos.measured(variant, tmp_path / f"{number}.png") for number, variant in enumerate((BOTH, NEITHER, DRAWN))
    )
    assert kept["distance"] == pytest.approx(drawn["distance"], abs=1e-6) and kept["distance"] < 1e-6
    assert faded["distance"] > 0.1 and faded["distances"][1] > 2 * faded["distances"][0] > 0
    assert len(faded["distances"]) == FRAMES // faded["window_frames"] == 2
    assert kept["mouth"] > 0.9 and kept["identity_kept"] == pytest.approx(1.0, abs=0.05)
    assert faded["identity_kept"] < kept["identity_kept"] - 0.05
    assert Image.open(tmp_path / "1.png").size == (6 * SIZE, SIZE)


@pytest.mark.parametrize(
    ("less", "more", "shows"),
    [
        ([1.0, 1.1], [2.0, 1.2], True),
        ([2.0, 1.2], [1.0, 1.1], False),
        ([1.0, 1.3], [2.0, 1.2], None),
        ([1.0], [1.01], None),
    ],
)
def test_a_finding_needs_a_clear_difference_in_the_same_direction_for_each_actor(less, more, shows):
    assert is_less("", less, more).shows is shows


def result(**figures):
    settings = {"seconds": 6.4, "size_px": 128, "steps": 10, "guidance": 1.5, "frames": 16, "fidelity": 1.0, "clip": 3}
    return Result(settings, {"small_vae.safetensors": "0123456789ab"}, figures, "2026-11-26", 60.0)


def results(distances):
    """distances: by variant, of two actors; they stay the same over time."""
    long = {
        variant: [
            result(distance=value, distances=[value, value], flicker=2.0, seam_jump=1.5, mouth=0.8, identity_kept=0.9)
            for value in distances.get(variant, (3.0, 4.0))
        ]
        for variant in (DRAWN, *VARIANTS)
    }
    prompts = {
        name: result(shares=[float(name in (shown, "happy")) / 2 for shown in EXPRESSIONS], drawn=[1.0] * 5)
        for name in EXPRESSIONS
    }
    upscaler = result(
        **{
            "PSNR above bicubic, of the drawing through the VAE, dB": {"value": -4.1},
            "flicker with temporal alignment, 0-255": {"value": 3.0, "truth": 2.0},
            "flicker frame by frame, 0-255": {"value": 4.0, "truth": 2.0},
        }
    )
    attention = result(
        portrait=0.73, portrait_if_even=0.5, motion=0.22, motion_if_even=2 / 18, motion_first=0.3, motion_last=0.1
    )
    return Results(long, prompts, upscaler, attention)


def test_findings_follow_the_figures():
    found = findings(
        results({BOTH: (1.0, 1.1), "drop only": (1.5, 1.6), "noise only": (2.5, 2.6), NEITHER: (1.2, 0.9)})
    )
    shows = {part: [finding.shows for finding in of_part] for part, of_part in found.items()}
    assert shows["table 5"] == [True, True, True, None, None] and shows["table 4"] == [True, True]
    assert shows["table 3"] == [False, True, True]
    assert shows["figure 14"] == [False, True] and shows["figure 6"] == [True, None]


def test_the_page_has_the_papers_figures_beside_ours(tmp_path):
    page = tmp_path / "page.md"
    page.write_text((ROOT / "docs" / "paper_in_small.md").read_text(encoding="utf-8"), encoding="utf-8")
    fill_blocks(page, blocks(results({BOTH: (1.0, 1.1)})))
    text = page.read_text(encoding="utf-8")
    assert "| both | 37.944 | 477.412 | 6.928 | 1.05 (1–1.1) | 2 (2–2)" in text
    assert "| 0.25 | 38.518 | 491.338 | – | 3.5 (3–4) |" in text and "| 4 px | – | – | – | 3.5 (3–4) |" in text
    assert "small_vae.safetensors `0123456789ab`" in text and "2026-11-26" in text and "6.4 s" in text
    assert "does not agree** (-4.10 dB)" in text and "73 % of the spatial attention" in text


def test_pictures_have_a_row_for_each_name_and_all_curves():
    strip = Image.new("RGB", (3 * 32, 32), "red")
    rows = rows_of_frames({"one": strip, "two": strip}, ["a", "b", "c"], 16)
    assert rows.size == (96 + 3 * 20, 26 + 2 * 20) and rows.getpixel((96 + 2 * 20 + 8, 26 + 20 + 8)) == (255, 0, 0)
    drawn = curves({"low": [1.0, 1.0], "high": [2.0, 4.0]}, 10.0, "title")
    assert len(set(drawn.getcolors(1 << 16))) > 4


def test_results_are_json(tmp_path, videos):
    assert json.loads(json.dumps(videos.measured(BOTH, tmp_path / "strip.png")))
