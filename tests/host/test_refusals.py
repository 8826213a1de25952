"""Bad input: refused before anything runs if possible, always with a message that says what to do."""

import json

import pytest


def refusal(host, refused, graph):
    with pytest.raises(refused) as caught:
        host.run(graph)
    return caught.value


def test_missing_weights_are_named_with_their_folder_and_where_they_come_from(host, refused, shipped_graph):
    answer = refusal(host, refused, shipped_graph("animate_portrait"))
    for node, parts in {
        "20:2": ("net.pth", "models/hallo2", "https://huggingface.co/fudan-generative-ai/hallo2"),
        "20:3": ("wav2vec2-base-960h.safetensors", "models/audio_encoders", "https://huggingface.co/facebook/wav2vec2"),
    }.items():
        assert all(part in answer.details(node) for part in parts), answer.details(node)


def test_the_released_face_files_are_asked_for_by_name(host, refused, demo_graph):
    demo_graph["4"]["inputs"]["choice"] = "released"
    said = refusal(host, refused, demo_graph).details("4")
    for part in ("scrfd_10g_bnkps.onnx", "glintr100.onnx", "models/hallo2/face_analysis", "choose 'built-in'"):
        assert part in said, said


@pytest.mark.parametrize(("width", "height", "part"), [(500, 512, "multiples of 64"), (512, 4096, "up to 2048")])
def test_a_size_that_does_not_fit_is_refused(host, refused, demo_graph, width, height, part):
    demo_graph["6"]["inputs"] |= {"width": width, "height": height}
    assert part in refusal(host, refused, demo_graph).details("6")


def test_a_number_out_of_range_is_refused(host, refused, demo_graph):
    demo_graph["9"]["inputs"]["steps"] = 0
    assert "steps" in refusal(host, refused, demo_graph).details("9")


@pytest.mark.parametrize(
    ("node", "inputs", "said"),
    [
        ("2", {"dtype": "fp8"}, "dtype"),
        ("6", {"crop": "ears"}, "crop"),
        ("9", {"codec": "gif"}, "codec"),
        ("9", {"reference_banks": "none"}, "reference_banks"),
        ("6", {"face_index": 3}, "Face number 3"),
    ],
)
def test_a_bad_choice_never_runs_to_a_video(host, refused, demo_graph, node, inputs, said):
    """The older host does not check choices itself, so the core does."""
    demo_graph[node]["inputs"] |= inputs
    try:
        run = host.run(demo_graph)
    except refused as answer:
        assert said in answer.details(node)
    else:
        assert run.status == "error" and said in run.message


def test_a_picture_without_a_face_is_refused_with_the_choices(host, demo_graph, pack):
    host.add_input(pack / "tests" / "media" / "no_face.png")
    demo_graph["picture"] = {"class_type": "LoadImage", "inputs": {"image": "no_face.png"}}
    demo_graph["6"]["inputs"]["image"] = ["picture", 0]
    run = host.run(demo_graph)
    assert run.status == "error" and run.message.startswith("No face was found") and "face mask" in run.message


def test_a_file_that_is_not_the_model_is_refused_by_name(host, demo_graph):
    folder = host.base / "models" / "hallo2"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "holiday.pth"
    file.write_bytes(b"not weights at all")
    demo_graph["2"]["inputs"]["file"] = file.name
    run = host.run(demo_graph)
    file.unlink()
    assert run.status == "error" and "holiday.pth" in run.message


def test_a_real_model_without_a_vae_is_refused(host, demo_graph):
    demo_graph["no_vae"] = {"class_type": "ProbeWithoutVAE", "inputs": {"model": ["2", 0]}}
    for node in ("7", "9"):
        demo_graph[node]["inputs"]["model"] = ["no_vae", 0]
    run = host.run(demo_graph)
    assert run.status == "error" and run.message.startswith("No VAE is connected")


def test_a_file_name_saved_on_windows_is_found(host, demo_graph):
    """It is found below models/hallo2, and only then refused for its content."""
    adapter = host.base / "models" / "hallo2" / "text_control" / "smile.safetensors"
    adapter.parent.mkdir(parents=True, exist_ok=True)
    adapter.touch()
    demo_graph["adapter"] = {
        "class_type": "Hallo2LoadTextControl",
        "inputs": {"model": ["2", 0], "file": "text_control\\smile.safetensors"},
    }
    demo_graph["9"]["inputs"]["model"] = ["adapter", 0]
    run = host.run(demo_graph)
    adapter.unlink()
    assert run.status == "error" and "smile.safetensors is empty" in run.message


def test_a_file_that_another_node_names_is_loaded_once(host):
    graph = {
        "name": {"class_type": "ProbeFileName", "inputs": {"name": "demo"}},
        "model": {"class_type": "Hallo2LoadModel", "inputs": {"file": ["name", 0], "dtype": "fp32"}},
        "shown": {"class_type": "PreviewAny", "inputs": {"source": ["model", 0]}},
    }
    for executed in (True, False):
        run = host.run(graph)
        assert run.status == "success", run.message
        assert any(message["data"].get("node") == "model" for _at, message in run.events
                   if message["type"] == "executing") == executed  # fmt: skip


def test_videos_of_other_kinds_are_refused_by_name_and_files_of_cropped_ones_do_not_stay(host):
    run = host.run({"1": {"class_type": "ProbeVideos", "inputs": {}}})
    assert run.status == "success", run.message
    found = json.loads(run.outputs["1"]["text"][0])
    parts = ("type str", "type dict", "type NoneType", "48x31 pixels", "4 channels", "waveform of (2, 800)")
    assert all(part in said for part, said in zip(parts, found["refused"], strict=True)), found
    assert found["same"] and (found["kept"], found["left"]) == (1, 0)
