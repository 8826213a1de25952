"""Drawn videos, good and bad, become records: with the built-in face finder and the small model's encoders."""

import json
from dataclasses import replace
from fractions import Fraction

import pytest
import torch
from einops import rearrange
from safetensors.torch import load_file
from tiny import models
from video_on_script import speech_like

from hallo2_core.audio.sound_file import FileAudio
from hallo2_core.audio.speech_embeddings import encode_speech
from hallo2_core.audio.waveform import TensorAudio
from hallo2_core.config import LATENT_SCALE
from hallo2_core.errors import Cancelled, SettingsError
from hallo2_core.portrait.face_analysis import built_in_face_analysis
from hallo2_core.portrait.prepare import prepare_portrait
from hallo2_core.runtime import LocalRuntime
from hallo2_core.training.cartoons import Actor, Tracks, draw
from hallo2_core.training.clip_records import (
    CAPTION,
    FACE_BOX,
    FEATURES,
    FRAMES,
    IDENTITY,
    LATENTS,
    MASKS,
    caption_text,
    mask_levels,
)
from hallo2_core.training.data import shard_series
from hallo2_core.training.data.dataset_config import read_datasets, record_sources
from hallo2_core.training.data.load_encoders import EncoderFiles, load_encoders, vae_of
from hallo2_core.training.data.prepare_videos import prepare_videos
from hallo2_core.training.data.prepared_video import prepare_video
from hallo2_core.training.data.source_videos import source_videos
from hallo2_core.training.data.summary import summary_lines
from hallo2_core.training.export import write_weights
from hallo2_core.training.joint_objective import JointObjective
from hallo2_core.training.joint_stage import JointStage, JointStageSettings
from hallo2_core.training.records import RecordShards, shard_metadata
from hallo2_core.training.small_networks import small_speech_encoder, small_vae
from hallo2_core.video.reader import read_frames
from hallo2_core.video.settings import VideoSettings
from hallo2_core.video.writer import VideoWriter

SIDE, FRAMES_OF_A_CLIP = 128, 30
GOOD = 70  # frames: two clips, and a rest that is too short


def talking(seed, frames, side=SIDE):
    """(f h w 3), 0..1."""
    tracks = replace(Tracks.still(frames), mouth_open=0.5 + 0.5 * torch.sin(torch.arange(frames) / 2))
    return draw(Actor.from_seed(seed, "train"), tracks, side)


def write(path, frames, sound_seconds=None):
    """sound_seconds: None is as long as the picture, 0 is none."""
    seconds = len(frames) / 25 if sound_seconds is None else sound_seconds
    audio = TensorAudio(speech_like(16_000, seconds).waveform, 16_000) if seconds else None
    with VideoWriter(path, frames.shape[2], frames.shape[1], Fraction(25), VideoSettings(quality=8), audio) as writer:
        writer.write(frames)


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A folder of videos, its configuration, and files of the small encoders."""
    folder = tmp_path_factory.mktemp("videos")
    torch.manual_seed(0)
    write_weights(small_vae().state_dict(), folder / "vae.safetensors")
    write_weights(small_speech_encoder().wav2vec.state_dict(), folder / "speech.safetensors")
    write(folder / "good.mp4", talking(1, GOOD))
    write(folder / "cut.mp4", torch.cat([talking(2, 26), talking(3, 27)]))
    write(folder / "two.mp4", torch.cat([talking(4, 26), talking(5, 26)], dim=2))
    write(folder / "nobody.mp4", torch.zeros(26, SIDE, SIDE, 3))
    write(folder / "mute.mp4", talking(6, 26), sound_seconds=0)
    write(folder / "short.mp4", talking(6, 10))
    small = torch.full((26, 2 * SIDE, 2 * SIDE, 3), 0.5)
    small[:, 100:148, 100:148] = talking(7, 26, 48)
    write(folder / "far.mp4", small)
    (folder / "broken.mp4").write_bytes((folder / "good.mp4").read_bytes()[:3000])
    lines = [{"video_path": path.name, "caption": f"this is {path.stem}"} for path in sorted(folder.glob("*.mp4"))]
    lines.append({"video_path": "nobody.mp4", "audio_path": "good.mp4"})  # 70 frames of sound for 26
    (folder / "list.jsonl").write_text("\n".join(map(json.dumps, lines)))
    (folder / "set.toml").write_text(
        f"[general]\nresolution = {SIDE}\ntarget_frames = {FRAMES_OF_A_CLIP}\n[[datasets]]\n"
        f'video_jsonl_file = "{folder.as_posix()}/list.jsonl"\ncache_directory = "{folder.as_posix()}/cache"\n'
    )
    return folder


def files(work):
    return EncoderFiles(str(work / "vae.safetensors"), str(work / "speech.safetensors"))


@pytest.fixture(scope="module")
def shown():
    return []


@pytest.fixture(scope="module")
def prepared(work, shown):
    (only,) = prepare_videos(
        work / "set.toml", files(work), LocalRuntime(), show=lambda done, total: shown.append((done, total))
    )
    return only


def report_of(prepared, name, number=0):
    return [report for report in prepared.reports if report.name == name][number]


def clips_of(records, stem):
    """Records of the video with this caption."""
    return [n for n in range(len(records)) if caption_text(records.read(n, CAPTION)) == f"this is {stem}"]


def content(path):
    """Of a shard or a report. Bytes of shards differ: safetensors writes metadata in any order."""
    if path.suffix == ".json":
        return path.read_text()
    tensors = {name: (str(t.dtype), t.shape, t.numpy().tobytes()) for name, t in load_file(path).items()}
    return dict(shard_metadata(path)), tensors


def test_bad_videos_are_skipped_with_the_reason(prepared, work):
    reasons = {
        "broken.mp4": ["damaged"], "far.mp4": ["face too small"], "mute.mp4": ["no sound"], "nobody.mp4": ["no face"],
        "short.mp4": ["too short"], "two.mp4": ["several faces"], "good.mp4": ["too short"], "cut.mp4": [],
    }  # fmt: skip
    for name, expected in reasons.items():
        assert [skipped.reason for skipped in report_of(prepared, name).skipped] == expected, name
    assert report_of(prepared, "nobody.mp4", 1).skipped[0].reason == "sound and picture of different length"
    listed = [json.loads(line) for line in (work / "cache" / "skipped.jsonl").read_text().splitlines()]
    assert {entry["video_path"]: entry["reason"] for entry in listed}["mute.mp4"] == "no sound"
    (rest,) = (entry for entry in listed if entry["video_path"] == "good.mp4")
    assert (rest["start_seconds"], rest["end_seconds"]) == (2.4, 2.8)


def test_clips_end_at_cuts_and_at_their_length(prepared):
    assert (report_of(prepared, "good.mp4").clips, report_of(prepared, "good.mp4").frames) == (2, 60)
    assert (report_of(prepared, "cut.mp4").clips, report_of(prepared, "cut.mp4").frames) == (2, 53)


def test_a_record_holds_what_the_video_shows_as_the_networks_see_it(prepared, work):
    records = RecordShards(work / "cache")
    shown = rearrange(torch.stack(list(read_frames(work / "good.mp4"))), "f h w c -> f c h w")
    for clip, first in zip(clips_of(records, "good"), (0, FRAMES_OF_A_CLIP), strict=True):
        frames = records.read(clip, FRAMES)
        assert torch.equal(frames, shown[first : first + FRAMES_OF_A_CLIP])
        vae = vae_of(str(work / "vae.safetensors"))
        with torch.no_grad():
            direct = vae.encode(frames[:4].float() / 127.5 - 1) * LATENT_SCALE
        torch.testing.assert_close(records.read(clip, LATENTS)[:4].float(), direct, atol=2e-3, rtol=2e-3)
        assert records.read(clip, FEATURES).shape[0] == FRAMES_OF_A_CLIP
        assert not records.read(clip, IDENTITY).any()


def test_boxes_and_masks_are_those_of_a_portrait(prepared, work):
    """Of the first frame of the second clip, where the detector looked."""
    records = RecordShards(work / "cache")
    clip = clips_of(records, "good")[1]
    picture = rearrange(records.read(clip, FRAMES, 0), "c h w -> h w c")
    portrait = prepare_portrait(picture, built_in_face_analysis(), SIDE, SIDE)
    box = portrait.face_box
    assert records.read(clip, FACE_BOX, 0).tolist() == [box.left, box.top, box.right, box.bottom]
    for level, tokens in enumerate(mask_levels(records.read(clip, MASKS, 0), SIDE)):
        regions = (portrait.masks.pose[level], portrait.masks.face[level], portrait.masks.lip[level])
        assert torch.equal(tokens, torch.stack(regions))


def test_the_sound_of_the_second_clip_is_that_of_its_frames(prepared, work):
    """Features of both clips are those of the whole sound in one go."""
    encoders = load_encoders(files(work), LocalRuntime())
    windows = encode_speech(FileAudio(work / "good.mp4"), encoders.speech, 25).windows(1, LocalRuntime())
    whole = windows.clip(0, 60)[:, 2]
    records = RecordShards(work / "cache")
    heard = torch.cat([records.read(number, FEATURES) for number in clips_of(records, "good")]).float()
    torch.testing.assert_close(heard, whole, atol=2e-3, rtol=2e-3)


def test_a_stage_learns_from_them(prepared, work):
    records = RecordShards(*record_sources(str(work / "set.toml")))
    made = models()
    settings = JointStageSettings("", "", "", frames=4)
    batch = JointStage(JointObjective(made, made.vae, settings.objective), settings, records, records, 0).batch(
        range(3)
    )
    assert batch.latents.shape == (3, 4, 4, SIDE // 8, SIDE // 8) and batch.latents.isfinite().all()
    assert batch.windows.isfinite().all() and 0 < batch.face_region.mean() < 1


def test_progress_and_the_summary(prepared, shown):
    assert shown[-1][0] == shown[-1][1] and shown == sorted(shown)
    lines = list(summary_lines([prepared]))
    assert "9 videos, 4 clips (0:00:05)" in lines[0]
    assert any("no face" in line for line in lines) and "7 videos without a clip" in lines[-1]


def test_what_is_prepared_is_not_prepared_again(prepared, work):
    before = {path: path.stat().st_mtime_ns for path in (work / "cache").glob("*-*")}
    (again,) = prepare_videos(work / "set.toml", files(work), LocalRuntime())
    assert again.reports == prepared.reports
    assert {path: path.stat().st_mtime_ns for path in (work / "cache").glob("*-*")} == before


def test_another_setting_is_refused(prepared, work, tmp_path):
    other = tmp_path / "set.toml"
    other.write_text((work / "set.toml").read_text().replace(f"resolution = {SIDE}", "resolution = 64"))
    with pytest.raises(SettingsError, match=r"prepared with resolution 128; now it is resolution 64.*delete"):
        prepare_videos(other, files(work), LocalRuntime())
    vae = small_vae(str(work / "vae.safetensors"))
    vae.decoder.conv_in.weight.data += 1.0  # latents do not depend on it
    write_weights(vae.state_dict(), tmp_path / "vae.safetensors")
    prepare_videos(work / "set.toml", replace(files(work), vae=str(tmp_path / "vae.safetensors")), LocalRuntime())
    vae.encoder.conv_in.weight.data += 1.0
    write_weights(vae.state_dict(), tmp_path / "vae.safetensors")
    with pytest.raises(SettingsError, match="prepared with vae_encoder"):
        prepare_videos(work / "set.toml", replace(files(work), vae=str(tmp_path / "vae.safetensors")), LocalRuntime())


class StopsAfter(LocalRuntime):
    """The user cancels at this frame."""

    def __init__(self, frames):
        super().__init__()
        self._left = frames

    def check_cancelled(self):
        self._left -= 1
        if self._left < 0:
            raise Cancelled


def test_stopped_and_resumed_gives_the_same_shards(prepared, work, tmp_path, monkeypatch):
    """With a shard per clip; the uninterrupted run had both clips in one."""
    monkeypatch.setattr(shard_series, "SHARD_BYTES", 1)
    (dataset,) = read_datasets(work / "set.toml")
    (good,) = (video for video in source_videos(dataset) if video.name == "good.mp4")
    whole, stopped = (replace(dataset, cache_directory=str(tmp_path / name)) for name in ("whole", "stopped"))
    for one in (whole, stopped):
        one.cache.mkdir()
    seconds = []
    report = prepare_video(good, whole, load_encoders(files(work), LocalRuntime()), seconds.append)
    assert seconds == [1.2, 2.4]
    with pytest.raises(Cancelled):
        prepare_video(good, stopped, load_encoders(files(work), StopsAfter(40)), seconds.append)
    kept = list(stopped.cache.glob("*.safetensors"))
    assert len(kept) == 1 and not list(stopped.cache.glob("*.json"))
    written = kept[0].stat().st_mtime_ns
    assert prepare_video(good, stopped, load_encoders(files(work), LocalRuntime()), seconds.append) == report
    assert kept[0].stat().st_mtime_ns == written
    contents = [{path.name: content(path) for path in one.cache.iterdir()} for one in (whole, stopped)]
    assert contents[0] == contents[1] and len(contents[0]) == 3
    assert report == report_of(prepared, "good.mp4")
    alone, together = RecordShards(whole.cache), RecordShards(work / "cache")
    for number, clip in enumerate(clips_of(together, "good")):
        assert torch.equal(alone.read(number, LATENTS), together.read(clip, LATENTS))


@pytest.mark.slow
def test_several_processes_make_the_same_records(prepared, work, tmp_path):
    own = tmp_path / "set.toml"
    own.write_text((work / "set.toml").read_text().replace("/cache", "/parallel"))
    prepare_videos(own, files(work), LocalRuntime(), workers=2)
    for path in (work / "cache").glob("*-*"):
        assert content(work / "parallel" / path.name) == content(path)


def test_a_changed_caption_is_prepared_again_and_a_removed_video_goes(prepared, work):
    """The last test: it changes the folder."""
    lines = [json.loads(line) for line in (work / "list.jsonl").read_text().splitlines()]
    kept = [line for line in lines if line["video_path"] in ("cut.mp4", "mute.mp4")]
    kept[0]["caption"] = "another"
    (work / "list.jsonl").write_text("\n".join(map(json.dumps, kept)))
    (again,) = prepare_videos(work / "set.toml", files(work), LocalRuntime())
    assert [report.name for report in again.reports] == ["cut.mp4", "mute.mp4"]
    records = RecordShards(work / "cache")
    assert [caption_text(records.read(number, CAPTION)) for number in range(len(records))] == ["another"] * 2
