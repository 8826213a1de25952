import json

import torch

from hallo2_core.training.run_log import LOG_FILE, RunLog


def logged(folder):
    return [json.loads(line) for line in (folder / LOG_FILE).read_text(encoding="utf-8").splitlines()]


def test_a_line_has_the_means_since_the_last_one(tmp_path):
    log = RunLog(tmp_path, 0)
    for step, loss in enumerate((1.0, 2.0, 6.0), start=1):
        log.add({"loss": torch.tensor(loss)})
        if step != 1:
            log.write(step)
    assert [line["loss"] for line in logged(tmp_path) if "loss" in line] == [1.5, 6.0]


def test_a_step_does_not_wait_for_the_device(tmp_path):
    """The values of meta tensors cannot be read."""
    log = RunLog(tmp_path, 0)
    for _ in range(2):
        log.add({"loss": torch.ones((), device="meta")})
