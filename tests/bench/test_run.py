"""What the benches share: tables, JSON files, and running them one after another."""

import json
from pathlib import Path

import pytest
import torch

HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def benches_on_path(monkeypatch):
    """As Python puts the folder of a script there."""
    monkeypatch.syspath_prepend(str(HERE))


def test_rows_become_a_table_and_json_with_the_machine_and_the_date(tmp_path, capsys):
    from results import publish

    file = tmp_path / "new" / "one.json"
    rows = [{"stage": "step", "TFLOP": 45.1604}, {"stage": "clip", "limit": 1877}]
    assert publish(rows, torch.device("cpu"), file) == 0
    assert capsys.readouterr().out.splitlines() == [
        "| stage | TFLOP | limit |", "|---|---|---|", "| step | 45.16 | – |", "| clip | – | 1877 |",
    ]  # fmt: skip
    written = json.loads(file.read_text(encoding="utf-8"))
    assert written["rows"] == rows and written["above"] == [] and written["date"].endswith("+00:00")
    assert written["machine"]["torch"] == torch.__version__ and written["machine"]["device"] == "cpu"


def test_what_is_above_its_limit_is_named_and_fails_the_bench(capsys):
    from results import publish

    assert publish([{"GiB": 2.0}], torch.device("cpu"), None, ["The step is above 1.77 GiB"]) == 1
    assert capsys.readouterr().err == "The step is above 1.77 GiB\n"


def test_a_bench_that_fails_does_not_stop_the_others(tmp_path, capfd):
    from run import Bench, run_benches

    (tmp_path / "bad.py").write_text("raise SystemExit(3)")
    good = "import sys, pathlib; print(sys.argv[1:3]); pathlib.Path(sys.argv[-1]).write_text('[1]')"
    (tmp_path / "good.py").write_text(good)
    benches = (
        Bench("bad", tmp_path / "bad.py"),
        Bench("good", tmp_path / "good.py", ("--small",), ("--full",), takes_device=True),
    )
    bad, ok = run_benches(benches, tmp_path / "out", is_full=False, device="cuda:1")
    assert (bad["status"], bad["result"]) == ("exit status 3", None)
    assert (ok["status"], ok["result"], ok["options"]) == ("ok", [1], ["--small", "--device", "cuda:1"])
    assert "# bad" in (out := capfd.readouterr().out) and "['--small', '--device']" in out


def test_every_bench_exists_and_a_wrong_name_is_refused_with_the_right_ones(capsys):
    from run import BENCHES, main

    assert all(bench.script.is_file() for bench in BENCHES)
    with pytest.raises(SystemExit):
        main(["--only", "flop"])
    assert "there is no flop; choose of flops, memory_step" in capsys.readouterr().err
