"""`hallo2 download`, `hallo2 doctor` and `hallo2 check`: the weights from the command line."""

import json

import pytest
from file_server import Behavior, serving

from hallo2_core.checkpoints import catalogue, installed
from hallo2_core.cli import BAD_INPUT, main

ONNX = b"\x08\x06" + bytes(3_000_000)


@pytest.fixture
def small(monkeypatch):
    """The face files, and the catalogue of nothing else, with a size that a test can serve."""
    from dataclasses import replace

    known = [replace(one, size_bytes=len(ONNX)) for one in catalogue.CATALOGUE if one.folder.endswith("face_analysis")]
    monkeypatch.setattr(installed, "CATALOGUE", tuple(known))
    return [one.name for one in known]


def test_without_acceptance_nothing_is_asked_of_the_server(tmp_path, small, capsys):
    behavior = Behavior(ONNX)
    with serving(behavior) as address:
        status = main(["download", "identity", "--models", str(tmp_path), "--endpoint", address])
    said = capsys.readouterr().err
    assert status == 1 and behavior.requests == [] and list(tmp_path.iterdir()) == []
    assert "license: non-commercial research only" in said and "Add --accept-licenses" in said


def test_files_arrive_where_the_loaders_look(tmp_path, small, capsys):
    command = ["download", "identity", "--models", str(tmp_path), "--accept-licenses", "--json"]
    with serving(Behavior(ONNX)) as address:
        assert main([*command, "--endpoint", address]) == 0
    captured = capsys.readouterr()
    result = json.loads(captured.out)
    paths = [str(tmp_path / "hallo2" / "face_analysis" / name) for name in small]
    assert [one["path"] for one in result["downloaded"]] == paths and result["missing"] == result["present"] == []
    assert "100%" in captured.err and "not verified" in captured.err
    assert main(command) == 0  # nothing is left, so no server is needed
    assert json.loads(capsys.readouterr().out)["present"] == paths


def test_a_failed_download_is_one_line_and_bad_input(tmp_path, small, capsys):
    with serving(Behavior(ONNX, statuses=[404])) as address:
        status = main(["download", "identity", "--models", str(tmp_path), "--accept-licenses", "--endpoint", address])
    assert status == BAD_INPUT and "does not have" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize("arguments", [["films"], ["--models", "nowhere"], ["--endpoint", "ftp://x"]])
def test_bad_arguments_are_refused(arguments, capsys):
    assert main(["download", *arguments]) == BAD_INPUT
    assert capsys.readouterr().err.startswith("hallo2: ")


def test_the_doctor_says_what_to_do_next(tmp_path, capsys):
    command = ["doctor", "--models", str(tmp_path), "--out", str(tmp_path), "--device", "cpu"]
    assert main(command) == 1
    printed = capsys.readouterr().out
    assert "problem weights  missing   hallo2/net.pth" in printed and "\n1. " in printed.partition("Next:")[2]
    assert main([*command, "--json"]) == 1
    result = json.loads(capsys.readouterr().out)
    assert any("hallo2 download" in step for step in result["next"])
    assert {"subject", "state", "text", "remedy"} == set(result["findings"][0])


def test_check_lists_the_weights_alone(tmp_path, capsys):
    assert main(["check", "--models", str(tmp_path)]) == 1
    printed = capsys.readouterr().out
    assert printed.count("missing   ") == len(catalogue.CATALOGUE) and "'hallo2 download' lists" in printed
