"""The timeline widget in the real editors: its whole life, in one visit to each of them; see timeline_life.py."""

import os

import pytest

VOICE = "speech.wav"


@pytest.fixture(scope="module", params=["classic", "nodes-2"])
def seen(request, host, in_browser, pack):
    options = ["--nodes-2"] if request.param == "nodes-2" else []
    if options and host.checkout.version == "0.3.64":
        pytest.skip("this host's editor draws nodes in the classic way only")
    if options and os.environ.get("UPDATE_PICTURES") == "1":
        options += ["--pictures", str(pack / "docs" / "images")]
    host.add_input(pack / "hallo2_core" / "examples" / "voice.wav", VOICE)
    return in_browser("timeline_life.py", *options)


def test_it_shows_the_spans_and_the_sound_that_the_graph_names(seen):
    assert seen["at_first"] == ["smiling", "serious, slow nod", "1.2", "0.8", "4"]
    assert VOICE in seen["sound"] and "25 fps" in seen["sound"]


def test_the_mouse_drags_adds_and_types(seen):
    assert seen["border_dragged"] == "0-3.04 smiling; 3.04-5 serious, slow nod"
    assert seen["span_dragged"] == "0-3.04 smiling; 4.08-6.04 serious, slow nod"
    assert seen["added"] == seen["span_dragged"] + "; 7- laughing\\; loud"


def test_keys_move_split_and_delete(seen):
    moved = seen["span_dragged"] + "; 6.96- laughing\\; loud"
    assert seen["by_keys"] == moved
    assert seen["split"] == seen["span_dragged"] + "; 6.96-7 laughing\\; loud; 7- laughing\\; loud"
    assert seen["deleted"] == seen["span_dragged"] + "; 6.96-7 laughing\\; loud"


def test_undo_is_the_widgets_own(seen):
    assert seen["undone"] == seen["by_keys"] and seen["redone"] == seen["split"]
    assert seen["graph_was_left_alone"]


def test_weights_are_typed_and_stepped_and_a_track_begun(seen):
    assert seen["weighed"] == "lip 1.65 @ 0-3, 0.8 @ 3-; cfg 4 @ 2-5"
    assert seen["track_added"] == "face 1 @ 4-6; " + seen["weighed"]


def test_a_text_that_cannot_be_read_is_left_alone_and_said(seen):
    assert seen["broken"].startswith("Line 2, column 1: 'lip' stands here for the second time.")
    assert seen["broken_text"] == "lip 1 @ 0-\nlip 2 @ 3-"


def test_what_is_typed_into_the_text_is_taken_up_at_once_and_lines_stay_lines(seen):
    assert seen["lines_dragged"] == "lip 1 @ 0-4\ncfg 2 @ 1-"


def test_the_text_alone_is_saved_and_queued(seen, host):
    for node, text in (("Hallo2TextPrompts", seen["redone"]), ("Hallo2WeightTimeline", seen["lines_dragged"])):
        inputs = host.nodes()[node]["input"]
        names = [
            name
            for kind in ("required", "optional")
            for name, (wire, _options) in inputs.get(kind, {}).items()
            if wire != "CLIP"
        ]
        assert seen["prompt"][node]["timeline"] == text and set(seen["prompt"][node]) == set(names)
        assert seen["saved"][node][0] == text and len(seen["saved"][node]) == len(names)
        assert seen["saved_after_the_run"][node][: len(names)] == seen["saved"][node]


def test_a_saved_workflow_comes_back(seen):
    texts = [seen["redone"], seen["lines_dragged"]]
    prompts = ["smiling", "serious, slow nod", "laughing; loud", "laughing; loud"]
    assert seen["reloaded"] == [texts[0], prompts, texts[1], ["1", "2"]]
    assert seen["nothing_to_undo"] and VOICE in seen["sound_reloaded"]


def test_a_run_leaves_it_as_it_is(seen):
    assert seen["run"] == "execution_success" and seen["after_the_run"] == seen["reloaded"][:2]


def test_it_follows_the_theme(seen):
    light, dark = seen["themes"]
    assert light != dark


def test_without_the_widget_the_text_is_whole(seen):
    shown, *texts = seen["without_the_widget"]
    assert not shown and texts == ["0-2 smiling; 2-5 serious, slow nod", "lip 1.2 @ 0-3, 0.8 @ 3-; cfg 4 @ 2-5"]


def test_nothing_is_complained_about_or_asked_for_elsewhere(seen):
    assert seen["console_errors"] == [] and seen["asked_outside"] == []
