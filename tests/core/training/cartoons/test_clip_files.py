import json
import wave

import pytest
import torch
from safetensors.torch import load_file

from hallo2_core.cli import main
from hallo2_core.errors import SettingsError
from hallo2_core.training.cartoons import Actor, Tracks, draw, measure
from hallo2_core.training.cartoons.clip_files import CartoonSettings, wav_bytes, write_cartoons
from hallo2_core.training.cartoons.espeak import espeak_library
from hallo2_core.video.reader import read_frames

pytestmark = pytest.mark.skipif(espeak_library() is None, reason="espeak-ng is not installed")
SETTINGS = CartoonSettings(seconds=0.6, size_px=64)


def shown(done: int, total: int) -> None:
    assert 0 < done <= total


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("cartoons")
    assert write_cartoons(path, 2, SETTINGS, shown) == 2
    return path


def test_every_clip_has_video_sound_caption_and_truth(folder):
    for name in ("cartoon_000000", "cartoon_000001"):
        assert {path.name for path in folder.glob(f"{name}.*")} == {
            f"{name}{ending}" for ending in (".mp4", ".wav", ".txt", ".safetensors", ".truth.json")
        }
    index = [json.loads(line) for line in (folder / "cartoons.jsonl").read_text().splitlines()]
    assert [entry["video_path"] for entry in index] == ["cartoon_000000.mp4", "cartoon_000001.mp4"]
    assert index[0]["caption"] == (folder / "cartoon_000000.txt").read_text().strip()
    with wave.open(str(folder / index[0]["audio_path"])) as sound:
        assert (sound.getframerate(), sound.getnframes()) == (16_000, 15 * 640)


def test_the_truth_is_that_of_the_frames_in_the_video(folder):
    tensors = load_file(folder / "cartoon_000001.safetensors")
    tracks = Tracks(**{name.removeprefix("tracks."): t for name, t in tensors.items() if name.startswith("tracks.")})
    actor = Actor.from_seed(1, "train")
    assert torch.equal(measure(actor, tracks, 64).lip_box, tensors["truth.lip_box"])
    frames = torch.stack(list(read_frames(folder / "cartoon_000001.mp4")))
    assert frames.shape == (15, 64, 64, 3)
    assert (frames.float() / (255 if frames.dtype == torch.uint8 else 1) - draw(actor, tracks, 64)).abs().mean() < 0.02


def test_a_second_run_writes_only_what_is_missing(folder):
    video = folder / "cartoon_000000.mp4"
    before = video.stat().st_mtime_ns
    (folder / "cartoon_000001.truth.json").unlink()
    assert write_cartoons(folder, 3, SETTINGS, shown) == 2
    assert video.stat().st_mtime_ns == before
    assert (folder / "cartoons.jsonl").read_text().count("\n") == 3


def test_processes_side_by_side_write_the_same(folder, tmp_path):
    assert write_cartoons(tmp_path, 2, SETTINGS, shown, workers=2) == 2
    for name in ("cartoon_000000.safetensors", "cartoon_000001.wav", "cartoon_000001.truth.json"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


def test_other_cartoons_do_not_go_into_the_same_folder(folder):
    with pytest.raises(SettingsError, match=r"size_px 64; size_px 128 was asked for"):
        write_cartoons(folder, 2, CartoonSettings(seconds=0.6, size_px=128), shown)


@pytest.mark.parametrize(
    ("wrong", "said"), [({"seconds": 0}, "more than 0"), ({"size_px": 65}, "even"), ({"first_seed": -1}, "0 or more")]
)
def test_settings_that_make_no_cartoon_are_refused(wrong, said):
    with pytest.raises(SettingsError, match=said):
        CartoonSettings(**wrong)


def test_a_wav_file_holds_the_samples(tmp_path):
    path = tmp_path / "sound.wav"
    path.write_bytes(wav_bytes(torch.tensor([0.0, 0.5, -1.0, 2.0])))
    with wave.open(str(path)) as sound:
        samples = torch.frombuffer(bytearray(sound.readframes(4)), dtype=torch.int16)
    assert samples.tolist() == [0, 16384, -32767, 32767]


def test_the_command_makes_held_back_clips(tmp_path, capsys):
    arguments = ["cartoons", str(tmp_path), "--count", "1", "--seconds", "0.4", "--size", "64", "--split", "held-back"]
    assert main(arguments) == 0
    assert "1 clips, 1 of them new" in capsys.readouterr().err
    assert json.loads((tmp_path / "cartoon_000000.truth.json").read_text())["split"] == "held_back"
    assert main([*arguments, "--workers", "0"]) == 2
