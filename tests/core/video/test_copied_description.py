import logging
from fractions import Fraction

import av
import pytest
import torch

from hallo2_core.video.clips import encode_clip
from hallo2_core.video.frame_times import FrameTimes
from hallo2_core.video.join import join_clips_as
from hallo2_core.video.metadata import GENERATED, NO_METADATA, RECORD_TAG, MetadataChoice, file_metadata
from hallo2_core.video.settings import VideoSettings
from hallo2_core.video.source import trimmed
from hallo2_core.video.target import TargetFile

PAL, FRAMES = Fraction(25), 50
HALVES = [("First", 0, 1000), ("Second", 1000, 2000)]


@pytest.fixture
def source(tmp_path):
    """Two seconds with a title and two chapters."""
    with av.open(str(tmp_path / "in.mkv"), "w") as container:
        container.metadata.update({"title": "A talk", "artist": "Somebody"})
        container.set_chapters(
            [
                {"id": at, "start": start, "end": end, "time_base": Fraction(1, 1000), "metadata": {"title": title}}
                for at, (title, start, end) in enumerate(HALVES)
            ]
        )
        stream = container.add_stream("libx264", rate=25)
        stream.width = stream.height = 32
        for _ in range(FRAMES):
            container.mux(stream.encode(av.VideoFrame(32, 32, "yuv420p")))
        container.mux(stream.encode())
    return tmp_path / "in.mkv"


def joined(tmp_path, source, frames, metadata=NO_METADATA):
    clip = tmp_path / "0.ts"
    clip.write_bytes(encode_clip(torch.zeros(frames, 32, 32, 3), 0, PAL, VideoSettings(preset="ultrafast")))
    with TargetFile(tmp_path / "out.mp4") as target:
        join_clips_as(source, FrameTimes(1 / PAL, range(frames)), {clip: frames}, target, PAL, lambda: None, metadata)
        target.settle()
        target.publish()
    with av.open(str(tmp_path / "out.mp4")) as container:
        chapters = [
            (chapter["metadata"]["title"], *(float(chapter[edge] * chapter["time_base"]) for edge in ("start", "end")))
            for chapter in container.chapters()
        ]
        return dict(container.metadata), chapters


def test_tags_and_chapters_are_copied(tmp_path, source):
    tags, chapters = joined(tmp_path, source, FRAMES)
    assert (tags["title"], tags["artist"]) == ("A talk", "Somebody") and RECORD_TAG not in tags
    assert chapters == [("First", 0, 1), ("Second", 1, 2)]


def test_they_are_there_beside_our_own_metadata(tmp_path, source):
    metadata = file_metadata(MetadataChoice(), GENERATED, {"made": "upscaled"})
    tags, chapters = joined(tmp_path, source, FRAMES, metadata)
    assert tags["title"] == "A talk" and "upscaled" in tags[RECORD_TAG] and len(chapters) == 2


def test_of_a_part_the_chapters_are_cut_to_it(tmp_path, source):
    _tags, chapters = joined(tmp_path, trimmed(source, 0.4, 1.2), 30)
    assert chapters == [("First", 0, 0.6), ("Second", 0.6, 1.2)]


def test_subtitles_that_are_left_out_are_reported(tmp_path, caplog):
    (tmp_path / "a.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nHello\n", encoding="utf-8")
    with av.open(str(tmp_path / "a.srt")) as text, av.open(str(tmp_path / "in.mkv"), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width = stream.height = 32
        subtitles = container.add_stream_from_template(text.streams.subtitles[0])
        for packet in (*stream.encode(av.VideoFrame(32, 32, "yuv420p")), *stream.encode()):
            container.mux(packet)
        for packet in text.demux():
            if packet.size:
                packet.stream = subtitles
                container.mux(packet)
    with caplog.at_level(logging.WARNING, "hallo2"):
        joined(tmp_path, tmp_path / "in.mkv", 1)
    assert "subtitles are not copied" in caplog.text
