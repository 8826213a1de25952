"""What api/client.py refuses before it sends anything. tests/host/test_client.py runs it on the real host."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GRAPH = ROOT / "workflows" / "api" / "animate_portrait.json"
CLIENT = ROOT / "api" / "client.py"


@pytest.fixture
def client(monkeypatch, capsys):
    """Runs the client; gives its exit status, the objects on stdout and the text on stderr."""
    spec = importlib.util.spec_from_file_location("hallo2_example_client", CLIENT)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)

    def run(*arguments):
        server = ("--server", "http://127.0.0.1:1")  # nothing listens there
        monkeypatch.setattr(sys, "argv", ["client.py", *map(str, arguments), *server])
        status = module.main()
        said = capsys.readouterr()
        return status, [json.loads(line) for line in said.out.splitlines()], said.err

    return run


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "Give --out"),
        (("--out", "a.mp4", "--portrait", "none.png"), "There is no file none.png"),
        (("--out", "a.mp4", "--set", "seed=7"), "write NODE.input=value"),
    ],
)
def test_bad_options_are_refused_before_the_server_is_asked(client, tmp_path, monkeypatch, options, said):
    monkeypatch.chdir(tmp_path)
    status, results, error = client(GRAPH, *options)
    assert status == 2 and not results and said in error


@pytest.mark.parametrize(
    ("line", "said"),
    [("a.mp4", "line 2 is not JSON"), ("[1]", "line 2 is not a JSON object"), ('{"output": "a.mp4"}', "A job has")],
)
def test_a_wrong_line_of_a_list_stops_it_before_the_first_job(client, tmp_path, line, said):
    jobs = tmp_path / "jobs.jsonl"
    jobs.write_text(f'{{"out": "{tmp_path}/first.mp4"}}\n{line}\n', encoding="utf-8")
    status, results, error = client(GRAPH, "--jobs", jobs)
    assert status == 2 and not results and said in error


def test_a_graph_of_the_editor_is_refused_with_what_to_do(client, tmp_path):
    status, _, error = client(ROOT / "workflows" / "animate_portrait.json", "--out", tmp_path / "a.mp4")
    assert status == 2 and "not in API format" in error and "Export (API)" in error


def test_a_server_that_does_not_answer_has_a_status_of_its_own(client, tmp_path):
    status, _, error = client(GRAPH, "--out", tmp_path / "a.mp4")
    assert status == 3 and "http://127.0.0.1:1 does not answer" in error and "Run the same command again" in error


def test_a_video_that_is_there_is_not_made_again(client, tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"")
    status, results, _ = client(GRAPH, "--out", tmp_path / "a.mp4")
    assert status == 0 and results == [{"out": str(tmp_path / "a.mp4"), "state": "present"}]
