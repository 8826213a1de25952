"""Prompts and weights over time, in the real host."""

import pytest


def node(kind, **inputs):
    return {"class_type": f"Hallo2{kind}", "inputs": inputs}


def with_report(graph):
    return {"1": graph, "2": {"class_type": "PreviewAny", "inputs": {"source": ["1", 1]}}}


def prompts(timeline, **inputs):
    return with_report(node("TextPrompts", timeline=timeline, transition_seconds=0.5, blend="linear", **inputs))


def weights(timeline):
    return with_report(node("WeightTimeline", timeline=timeline, transition_seconds=0.5, blend="smooth"))


def said(run):
    assert run.status == "success", run.message
    (text,) = run.outputs["1"]["text"]
    assert run.outputs["2"]["text"] == [text]
    return text.splitlines()


def test_prompts_without_a_clip_are_the_demos(host):
    first, *notes = said(host.run(prompts("0:00-4.50 smiling\n5- serious")))
    assert first == "0-4.5 smiling; 5- serious"
    assert "demo's text encoder" in notes[0] and notes[1] == "No prompt acts in 4.5-5."


def test_what_was_taken_out_is_shown(host):
    graph = prompts("0- a bad smile", masked_terms="b?d", mask_by="pattern", similarity=0.85, mask_unit="word")
    assert said(host.run(graph))[:2] == ["0- a smile", "Taken out of 0-: bad."]


def test_weights(host):
    assert said(host.run(weights("cfg 4 @ 0-2\nlip 1.20 @ 0-")))[0] == "lip 1.2 @ 0-; cfg 4 @ 0-2"


@pytest.mark.parametrize(
    "graph, part",
    [
        (prompts("0-4 a;\n4 - 6 b"), "Timeline, line 2, column 1: '4' is not a time span"),
        (prompts("0-4 a; 3- b"), "line 1, column 8: '3-' begins before 0-4 has ended"),
        (weights("lips 1 @ 0-"), "Timeline, line 1, column 1: 'lips' is not a weight"),
    ],
    ids=["span", "overlap", "track"],
)
def test_a_slip_is_shown_before_anything_runs(host, refused, graph, part):
    with pytest.raises(refused) as caught:
        host.run(graph)
    assert part in caught.value.details("1")


def test_a_timeline_may_come_from_another_node(host):
    graph = prompts(["text", 0]) | {"text": {"class_type": "PrimitiveStringMultiline", "inputs": {"value": "0-1f a"}}}
    assert said(host.run(graph))[0] == "0-1f a"
    graph["text"]["inputs"]["value"] = "1f a"
    run = host.run(graph)
    assert run.status == "error" and "Timeline, line 1, column 1: '1f' is not a time span" in run.message


def test_the_hosts_clip_gives_what_the_command_lines_gives(host):
    run = host.run({"1": {"class_type": "ProbeTextEncoder", "inputs": {}}})
    assert run.status == "success", run.message
    difference, largest = map(float, run.outputs["1"]["text"][0].split())
    assert difference < 1e-4 * largest


def clip(kind):
    return {"clip": {"class_type": "ProbeClip", "inputs": {"kind": kind}}}


def test_the_hosts_clip_through_the_node(host):
    run = host.run(prompts("0- (smiling:1.3)", clip=["clip", 0]) | clip("sd1"))
    assert said(run) == ["0- (smiling:1.3)"]


@pytest.mark.parametrize(
    "text, part",
    [("a " * 76, "has 76 tokens; CLIP reads 75"), ("a embedding:bad", "names an embedding file")],
    ids=["long", "embedding"],
)
def test_what_clip_cannot_read_is_refused(host, text, part):
    run = host.run(prompts(f"0- {text}", clip=["clip", 0]) | clip("sd1"))
    assert run.status == "error" and part in run.message


def test_another_models_text_encoder_is_refused(host):
    run = host.run(prompts("0- a", clip=["clip", 0]) | clip("sdxl"))
    assert run.status == "error" and "not an SD 1.x text encoder (its parts:" in run.message
    assert "clip_l.safetensors" in run.message
