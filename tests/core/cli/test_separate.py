import sys
from pathlib import Path

import numpy as np
import pytest

from hallo2_core.audio.sound_file import FileAudio
from hallo2_core.audio.vocals import BINS
from hallo2_core.cli import main

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

RECORDING = Path(__file__).parents[2] / "media" / "speech_music.wav"


@pytest.fixture
def network(tmp_path):
    """An MDX-Net that mutes the right channel."""
    helper, shape = onnx.helper, ["batch", 4, BINS, 17]
    mask = np.array([1, 1, 0, 0], np.float32).reshape(1, 4, 1, 1)
    graph = helper.make_graph(
        [helper.make_node("Mul", ["spectra", "mask"], ["vocals"])],
        "net",
        [helper.make_tensor_value_info("spectra", onnx.TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("vocals", onnx.TensorProto.FLOAT, shape)],
        [onnx.numpy_helper.from_array(mask, "mask")],
    )
    path = tmp_path / "net.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


def separate(*arguments):
    return main(["separate", *map(str, arguments)])


def test_a_recording_becomes_a_voice_of_its_length(network, tmp_path, capsys):
    out = tmp_path / "voice.flac"
    assert separate("--audio", RECORDING, "--out", out, "--model", network) == 0
    recording, voice = FileAudio(RECORDING), FileAudio(out)
    assert (voice.rate_hz, voice.channels, voice.samples) == (44_100, 2, recording.samples)
    left, right = voice.read(0, voice.samples)
    assert float(left.std()) > 0.9 * float(recording.read(0, recording.samples)[0].std())
    assert not right.any()
    assert f"{out}: 6.00 s" in capsys.readouterr().err


@pytest.mark.parametrize(
    "changed, said",
    [
        ({"--out": "voice.mp3"}, "must end in .wav or .flac"),
        ({"--audio": "missing.wav"}, "missing.wav"),
        ({"--model": "missing.onnx"}, "There is no missing.onnx"),
        ({"--provider": "directml"}, "cannot run on 'directml' here"),
    ],
)
def test_mistakes_are_one_line_and_write_nothing(network, tmp_path, capsys, changed, said):
    given = {"--audio": RECORDING, "--out": "voice.wav", "--model": network} | changed
    given = {name: tmp_path / value if name in ("--out", "--model") else value for name, value in given.items()}
    assert separate(*(word for pair in given.items() for word in pair)) == 2
    said_here = capsys.readouterr().err
    assert said in said_here and said_here.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["net.onnx"]


def test_the_help_does_not_load_onnxruntime(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(SystemExit) as done:
        separate("--help")
    assert done.value.code == 0
