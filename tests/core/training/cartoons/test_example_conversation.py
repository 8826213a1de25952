import importlib.util
import json
from pathlib import Path

import torch

from hallo2_core.audio.sound_file import FileAudio
from hallo2_core.examples import CONVERSATION, TWO_FACES
from hallo2_core.portrait.face_analysis import built_in_face_analysis
from hallo2_core.portrait.picture import load_picture
from hallo2_core.timeline.speakers import SpeakerTable

ROOT = Path(__file__).parents[4]
SCRIPT = ROOT / "tools" / "make_example_conversation.py"
SILENCE = 0.001  # of full scale


def script():
    spec = importlib.util.spec_from_file_location(SCRIPT.stem, SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_shipped_picture_is_what_the_script_draws_and_has_two_faces_the_pack_can_animate():
    picture = script().picture()
    assert picture.shape == (256, 512, 3)
    assert float((picture - load_picture(TWO_FACES)).abs().max()) <= 2 / 255
    left, right = sorted(built_in_face_analysis().find(picture), key=lambda face: float(face.box[0]))
    assert float(left.box[2]) < 256 < float(right.box[0])
    assert max(abs(face.yaw_degrees) for face in (left, right)) < 8


def test_the_workflow_divides_the_shipped_conversation_in_its_pauses():
    graph = json.loads((ROOT / "workflows" / "api" / "two_speakers.json").read_text(encoding="utf-8"))
    (node,) = [node["inputs"] for node in graph.values() if node["class_type"] == "Hallo2SplitSpeakers"]
    table, sound = SpeakerTable.parse(node["timeline"], node["speakers"]), FileAudio(CONVERSATION)
    assert table.turns[0].start_seconds == 0 and table.turns[-1].end_seconds is None
    for before, after in zip(table.turns, table.turns[1:], strict=False):
        assert before.end_seconds == after.start_seconds
        border = round(after.start_seconds * sound.rate_hz)
        assert float(sound.read(border - sound.rate_hz // 10, border).abs().max()) < SILENCE
        assert float(sound.read(border, border + sound.rate_hz // 5).abs().max()) > 10 * SILENCE
    assert torch.equal(sum(table.voices(sound)), sound.read(0, sound.samples))
