"""The pack as the host sees it when it starts."""

import re

import pytest

NODES = {
    "Hallo2LoadModel",
    "Hallo2LoadSpeechEncoder",
    "Hallo2LoadFaceAnalysis",
    "Hallo2LoadUpscaler",
    "Hallo2LoadTextControl",
    "Hallo2LoadLora",
    "Hallo2ModelToComfyUI",
    "Hallo2ModelFromComfyUI",
    "Hallo2ExampleInputs",
    "Hallo2SeparateVocals",
    "Hallo2SplitSpeakers",
    "Hallo2EncodeSpeech",
    "Hallo2PreparePortrait",
    "Hallo2ReferenceNet",
    "Hallo2MotionFrames",
    "Hallo2TextPrompts",
    "Hallo2WeightTimeline",
    "Hallo2Accelerate",
    "Hallo2SampleVideo",
    "Hallo2UpscaleVideo",
    "Hallo2PasteBack",
    "Hallo2InspectVideo",
    "Hallo2EvaluateVideo",
    "Hallo2AttentionMaps",
    "Hallo2Farm",
    "Hallo2Jobs",
    "Hallo2DownloadModels",
    "Hallo2Doctor",
    "Hallo2Selftest",
}
DIAGNOSTICS = {"Hallo2Doctor", "Hallo2Selftest"}  # under a heading of their own
SEARCHES = {  # what people type, and a node that it should find
    "talking head": "Hallo2SampleVideo",
    "lip sync": "Hallo2SampleVideo",
    "lipsync": "Hallo2SampleVideo",
    "avatar": "Hallo2SampleVideo",
    "deepcache": "Hallo2Accelerate",
    "audio": "Hallo2EncodeSpeech",
    "voice": "Hallo2EncodeSpeech",
    "wav2vec": "Hallo2LoadSpeechEncoder",
    "4k": "Hallo2UpscaleVideo",
    "face restore": "Hallo2UpscaleVideo",
    "cluster": "Hallo2Farm",
    "disk space": "Hallo2Jobs",
}
WITHOUT_A_RANGE = {"BOOLEAN", "COMBO", "STRING"}


def own_nodes(host):
    return {name: info for name, info in host.nodes().items() if name.startswith("Hallo2")}


def widgets(info):
    """(name, type, options) of every input that is set on the node itself."""
    for inputs in (info["input"].get("required", {}), info["input"].get("optional", {})):
        for name, (kind, options) in inputs.items():
            if "default" in options or kind == "COMBO":
                yield name, kind, options


def test_every_node_registers(host):
    assert set(own_nodes(host)) == NODES
    assert "IMPORT FAILED" not in host.startup_log and "Traceback" not in host.startup_log


def test_import_time(host, pack):
    assert host.import_seconds(pack) <= 0.3


def test_every_input_has_a_tooltip_and_every_number_a_range(host):
    for name, info in own_nodes(host).items():
        assert info["category"] == ("Hallo2/Diagnostics" if name in DIAGNOSTICS else "Hallo2")
        assert info["display_name"].endswith("(Hallo2)") and info["description"]
        for inputs in (info["input"].get("required", {}), info["input"].get("optional", {})):
            for input_name, (_kind, options) in inputs.items():
                assert options.get("tooltip"), f"{name}.{input_name} has no tooltip"
        for input_name, kind, options in widgets(info):
            assert kind in WITHOUT_A_RANGE or {"min", "max"} <= set(options), f"{name}.{input_name} has no range"


def test_a_search_finds_the_node_by_what_people_type(host):
    if host.checkout.version == "0.3.64":
        pytest.skip("this host's editor searches names only")
    nodes = own_nodes(host)
    for words, name in SEARCHES.items():
        assert words in nodes[name]["search_aliases"], f"{words!r} does not find {name}"
    assert all(info["search_aliases"] for info in nodes.values())


def test_every_loader_offers_the_demo(host):
    for name, info in own_nodes(host).items():
        if name.startswith("Hallo2Load") and name != "Hallo2LoadLora":  # a model needs none
            choices = [options["options"] for kind, options in info["input"]["required"].values() if kind == "COMBO"]
            assert "demo" in choices[0], name


def test_every_node_has_a_help_page(host, pack):
    for name in NODES:
        assert (pack / "js" / "docs" / f"{name}.md").is_file()
        assert host.get_text(f"/extensions/{pack.name}/docs/{name}.md").startswith("# ")


def test_model_folder_keeps_the_extra_paths_and_lists_weights_only(host):
    names = ("models/hallo2/ours.pth", "models/hallo2/read_me.txt", "shared/extra.safetensors")
    files = [host.base / name for name in names]
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    listed = host.get("/models/hallo2")
    for file in files:
        file.unlink()
    assert {"extra.safetensors", "ours.pth"} <= set(listed) and "read_me.txt" not in listed


def test_a_released_file_that_is_there_is_the_default(host):
    def choices(node):
        return own_nodes(host)[node]["input"]["required"]["file"][1]["options"]

    assert choices("Hallo2LoadModel")[0] == "demo"
    file = host.base / "models" / "hallo2" / "net.pth"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()
    try:
        assert choices("Hallo2LoadModel")[:2] == ["net.pth", "demo"] and choices("Hallo2LoadUpscaler")[0] == "demo"
    finally:
        file.unlink()


def test_the_host_serves_texts_in_four_languages_and_the_english_ones_are_the_schemas_own(host, pack, monkeypatch):
    """tools/write_locales.py writes locales/en anew; tests/test_locales.py then names what the translations lack."""
    monkeypatch.syspath_prepend(str(pack / "tools"))
    from write_locales import categories, node_texts

    served, nodes = host.get("/i18n"), own_nodes(host)
    assert set(served) == {"en", "zh", "ja", "ko"}
    assert served["en"] == {"nodeCategories": categories(nodes), "nodeDefs": node_texts(nodes)}
    assert all(set(texts["nodeDefs"]) == NODES for texts in served.values())


def test_help_pages_state_the_ranges_options_and_defaults_of_the_schemas(host, pack):
    for node, info in own_nodes(host).items():
        rows = help_of_inputs((pack / "js" / "docs" / f"{node}.md").read_text(encoding="utf-8"))
        for name, kind, options in widgets(info):
            head, text = rows[name]
            missing = stated(kind, options) - words(head)
            assert not missing or text.startswith("as for *Sample Video*"), f"{node}.{name}: {missing} not in {head!r}"


def help_of_inputs(page):
    """name → (the name with range and default, what it does), from the table of inputs."""
    lines = page.partition("\n| input |")[2].partition("\n\n")[0].splitlines()[2:]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {name: (head, text) for head, text in rows for name in head.split("<br>")[0].split(", ")}


def words(head):
    """Its numbers, its options, and "default …"."""
    text = head.partition("<br>")[2].replace("`", "")
    numbers = re.findall(r"-?\d+(?:\.\d+)?", text.replace(",", ""))
    return {*map(float, numbers), *re.split(r"[,;] ", text)}


def stated(kind, options):
    """What the help says of an input below its name."""
    if kind in ("INT", "FLOAT"):
        ends = {options[end] for end in ("min", "max", "default")}
        return {float(end) for end in ends if end < 1_000_000}  # larger limits are given in words
    if kind == "BOOLEAN":
        return {f"default {'on' if options['default'] else 'off'}"}
    if kind == "COMBO" and options.get("default"):
        return {*map(str, options["options"]), f"default {options['default']}"}
    return set()
