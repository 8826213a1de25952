"""The node that separates vocals, in a host without its file and without onnxruntime, as most are."""

import pytest

FILE = "models/hallo2/audio_separator/Kim_Vocal_2.onnx"


@pytest.fixture
def vocals_graph(shipped_graph):
    """The shipped node on the shipped voice."""
    node = shipped_graph("speech_from_noisy_recording")["13"]
    node["inputs"]["audio"] = ["1", 1]
    return {
        "1": {"class_type": "Hallo2ExampleInputs", "inputs": {}},
        "13": node,
        "14": {"class_type": "PreviewAny", "inputs": {"source": ["13", 0]}},
    }


def test_a_missing_file_is_named_with_its_folder_and_source_before_the_run(host, vocals_graph, refused):
    with pytest.raises(refused) as refusal:
        host.run(vocals_graph)
    said = refusal.value.details("13")
    assert "Not in models/hallo2/audio_separator: Kim_Vocal_2.onnx" in said
    assert str(host.base / "models" / "hallo2" / "audio_separator") in said and "huggingface.co" in said


def test_files_of_ones_own_are_offered_and_need_onnxruntime(host, vocals_graph):
    for name in (FILE, FILE.replace("Kim_Vocal_2", "another")):
        (host.base / name).parent.mkdir(parents=True, exist_ok=True)
        (host.base / name).write_bytes(b"no network")
    try:
        choices = host.nodes()["Hallo2SeparateVocals"]["input"]["required"]["file"]
        assert ["Kim_Vocal_2.onnx", "another.onnx"] in (choices[0], choices[1].get("options"))
        run = host.run(vocals_graph)
        assert run.status == "error" and "onnxruntime" in run.message
    finally:
        for file in (host.base / FILE).parent.iterdir():
            file.unlink()
