import json
import struct
from fractions import Fraction
from xml.etree import ElementTree

import av
import pytest
import torch

from hallo2_core import __version__
from hallo2_core.errors import SettingsError
from hallo2_core.video.clips import encode_clip
from hallo2_core.video.join import join_clips
from hallo2_core.video.metadata import GENERATED, XMP_BOX, MetadataChoice, file_metadata, read_record
from hallo2_core.video.reader import read_frames
from hallo2_core.video.settings import VideoSettings
from hallo2_core.video.target import TargetFile

PAL, FRAMES = Fraction(25), 6
WORKFLOW = {"prompt": '{"9": {"class_type": "Hallo2SampleVideo"}}', "workflow": '{"nodes": []}'}
RECORD = {"made": "animation", "settings": {"seed": 42, "prompt": "„fröhlich“ 😀"}}
SOURCE_TYPE = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType"


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """A file of one clip, as a job keeps it."""
    path = tmp_path_factory.mktemp("clips") / "0.ts"
    frames = torch.arange(FRAMES * 32 * 48 * 3).reshape(FRAMES, 32, 48, 3).remainder(251).byte()
    path.write_bytes(encode_clip(frames, 0, PAL, VideoSettings(preset="ultrafast")))
    return path


def written(clip, path, choice, source=None):
    metadata = file_metadata(MetadataChoice(choice, WORKFLOW), GENERATED, RECORD, source)
    with TargetFile(path) as target:
        join_clips({clip: FRAMES}, target, PAL, None, lambda: None, metadata)
        target.settle()
        target.publish()
    return path


def tags(path):
    with av.open(str(path)) as container:
        return dict(container.metadata)


def boxes(path):
    """Every top-level box: its kind, its content."""
    content, at, found = path.read_bytes(), 0, []
    while at < len(content):
        size, kind = struct.unpack_from(">I4s", content, at)
        assert size >= 8, "no box has an open end"
        found.append((kind, content[at + 8 : at + size]))
        at += size
    assert at == len(content)
    return found


def mark_of(path):
    """What XMP readers find."""
    packets = [content[16:] for kind, content in boxes(path) if kind == b"uuid" and content.startswith(XMP_BOX)]
    return [ElementTree.fromstring(packet.decode()).find(f".//{SOURCE_TYPE}").text for packet in packets]


def test_in_full_it_has_the_record_the_workflow_and_the_mark(clip, tmp_path):
    path = written(clip, tmp_path / "full.mp4", "full", source={"made": "earlier"})
    record = read_record(path)
    assert record["version"] == __version__ and record["source"] == {"made": "earlier"}
    assert {key: record[key] for key in RECORD} == RECORD and record["digital_source_type"] == GENERATED
    assert {key: tags(path)[key] for key in WORKFLOW} == WORKFLOW and mark_of(path) == [GENERATED]


def test_the_mark_alone_says_nothing_of_settings_and_workflow(clip, tmp_path):
    path = written(clip, tmp_path / "mark.mp4", "mark", source={"made": "earlier"})
    assert read_record(path) == {"version": __version__, "digital_source_type": GENERATED}
    assert not set(WORKFLOW) & set(tags(path)) and mark_of(path) == [GENERATED]


def test_without_metadata_the_file_says_nothing(clip, tmp_path):
    path = written(clip, tmp_path / "none.mp4", "none")
    assert read_record(path) is None and not mark_of(path) and b"hallo2" not in path.read_bytes().lower()


def test_the_frames_are_the_same_with_and_without(clip, tmp_path):
    full, none = (written(clip, tmp_path / f"{choice}.mp4", choice) for choice in ("full", "none"))
    for one, other in zip(read_frames(full), read_frames(none), strict=True):
        assert torch.equal(one, other)


def test_the_record_survives_a_copy_of_the_tags_as_the_hosts_save_video_makes_it(clip, tmp_path):
    path = written(clip, tmp_path / "full.mp4", "full")
    with av.open(str(path)) as source, av.open(
        str(tmp_path / "copy.mp4"), "w", options={"movflags": "use_metadata_tags"}
    ) as copy:  # fmt: skip
        copy.metadata.update(source.metadata)
        stream = copy.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                copy.mux(packet)
    assert read_record(tmp_path / "copy.mp4") == read_record(path)


@pytest.mark.parametrize("text", ["", "nonsense", "[1]", json.dumps("text")])
def test_another_programs_tag_of_that_name_is_no_record(tmp_path, text):
    with av.open(str(tmp_path / "a.mp4"), "w", options={"movflags": "use_metadata_tags"}) as container:
        container.metadata["hallo2"] = text
        stream = container.add_stream("libx264", rate=25)
        stream.width = stream.height = 32
        container.mux(stream.encode(av.VideoFrame(32, 32, "yuv420p")))
        container.mux(stream.encode())
    assert read_record(tmp_path / "a.mp4") is None


def test_an_unknown_choice_is_refused_and_only_the_default_leaves_the_request_as_it_was():
    with pytest.raises(SettingsError, match="choose one of full, mark, none"):
        MetadataChoice("some")
    assert MetadataChoice().request == {} and MetadataChoice("none").request != MetadataChoice("mark").request
