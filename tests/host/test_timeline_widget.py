"""The timeline widget in the real editors, in two visits to each of them: its whole life (timeline_life.py), and what
it sees of the editor around it (timeline_around.py)."""

import os

import pytest

VOICE = "speech.wav"
OTHER_VOICE = "other.wav"


@pytest.fixture(scope="module", params=["classic", "nodes-2"])
def drawing(request, host, pack):
    """The option of the visits that says how nodes are drawn; the voices are there to be chosen."""
    if request.param == "nodes-2" and host.checkout.version == "0.3.64":
        pytest.skip("this host's editor draws nodes in the classic way only")
    for name in (VOICE, OTHER_VOICE):
        host.add_input(pack / "hallo2_core" / "examples" / "voice.wav", name)
    return ["--nodes-2"] if request.param == "nodes-2" else []


@pytest.fixture(scope="module")
def seen(drawing, in_browser, pack):
    options = list(drawing)
    if options and os.environ.get("UPDATE_PICTURES") == "1":
        options += ["--pictures", str(pack / "docs" / "images")]
    return in_browser("timeline_life.py", *options)


@pytest.fixture(scope="module")
def around(drawing, in_browser):
    return in_browser("timeline_around.py", *drawing)


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
    assert seen["broken"].startswith("Line 2, column 1: 'lip' appears here a second time.")
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


def test_the_editor_loads_the_code_with_the_first_timeline_node(around, pack):
    loading = around["loading"]
    assert loading["at_first"] == ["hallo2.js"]
    served = {path.relative_to(pack / "js").as_posix() for path in (pack / "js" / "timeline").iterdir()}
    assert set(loading["with_a_node"]) == {"hallo2.js"} | served
    assert loading["types"]["mjs"].split(";")[0] in ("application/javascript", "text/javascript")


@pytest.fixture(scope="module")
def updated(in_browser):
    return in_browser("timeline_update.py")


def test_after_an_update_of_the_pack_a_browser_uses_no_old_module(updated):
    """The host says nothing of how long a browser may keep an .mjs file."""
    assert updated[:2] == ["before the update", "after the update"]


def test_the_widget_speaks_the_editors_language_if_it_can(updated):
    assert updated[2:] == ["+ 添加", "+ Add"]


def test_a_workflow_that_opens_before_the_code_is_there_stays_what_it_is(around):
    late = around["late"]
    assert late["was_empty"] and late["spans"] == ["smiling", "serious, slow nod", "1.2", "0.8", "4"]
    assert len(late["saved"]) == 2 and late["saved"] == late["meanwhile"] == late["after"]


def test_code_that_cannot_be_loaded_is_said_and_the_text_is_whole(around):
    said, text = around["late"]["without_the_code"]
    assert "could not be loaded" in said and "text above" in said
    assert text == "0-2 smiling; 2-5 serious, slow nod"


def test_a_change_upstream_reaches_the_widget(around):
    seen = around["upstream"]
    assert OTHER_VOICE in seen["file_by_hand"] and VOICE in seen["file_by_connection"]
    assert "30 fps" in seen["rate_by_hand"] and "12.5 fps" in seen["rate_by_script"]


def test_a_change_that_a_script_tells_nobody_of_is_seen_when_the_widget_is_used(around):
    assert "50 fps" in around["upstream"]["rate_unannounced"]


def test_after_an_undo_of_the_graph_the_widget_is_that_of_the_new_node(around):
    """Nodes 2.0 keeps showing the removed node's element where the new one has its id."""
    assert "25 fps" in around["upstream"]["rate_undone"]
    assert around["upstream"]["edited_after_the_undo"] == "0-2 smiling; 2-6 serious, slow nod"


def test_an_idle_editor_costs_nothing(around):
    assert around["idle"]["idle"] == []  # neither a layout that is asked for nor a timer
    assert "getBoundingClientRect" in around["idle"]["dragging"]  # the count counts


def test_the_drawn_part_follows_the_theme(around):
    assert around["theme"] == {"light": "another one", "dark": "the same again"}


def test_the_wheel_is_the_graphs_until_the_timeline_has_the_focus(around):
    turned = around["wheel"]
    graph, timeline = turned["over_the_canvas"]
    assert graph > 1 and timeline == 1
    assert turned["over_the_spans"] == turned["over_the_buttons"] == turned["over_the_canvas"]
    assert turned["with_the_focus"] == [1, 1.25]


def test_a_node_can_be_copied_after_a_span_was_clicked(around):
    assert around["copied"] == 1


def test_it_sees_into_subgraphs_and_out_of_them(around):
    assert all(VOICE in line and "24 fps" in line for line in around["subgraphs"]["from_outside"])
    assert VOICE in around["subgraphs"]["from_inside"] and "25 fps" in around["subgraphs"]["from_inside"]


def test_it_shows_what_a_trim_leaves_of_the_sound(around):
    assert VOICE in around["trimmed"]["at_first"] and VOICE in around["trimmed"]["then"]


def test_a_narrow_node_shows_all_buttons(around):
    assert around["narrow"]["buttons_over"] <= 0


def test_a_new_node_shows_the_whole_clock(around):
    assert around["narrow"]["clock_cut"] == 0


def test_a_fresh_node_takes_another_prompt_at_once(around):
    assert around["fresh"] == "0-5 smiling; 5- laughing"


def test_nothing_is_complained_about_on_that_visit(around):
    assert [line for line in around["console_errors"] if "widget.mjs" not in line] == []  # that one was held back
