"""Training on a Ray cluster: what is refused, and that a lost worker changes no loss."""

import builtins
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from tiny import normal

from hallo2_core.errors import MissingDependencyError, SettingsError
from hallo2_core.farm.training import Workers, train_on_cluster
from hallo2_core.training.records import write_shard

ROOT = Path(__file__).parents[3]
CONFIG = """
output_dir = "{name}"
max_train_steps = 4
train_batch_size = 4
validation_steps = 4
checkpointing_steps = 1
logging_steps = 1
{more}
[vae]
frames = "pictures"
validation_frames = "pictures"
"""


@pytest.fixture
def config(tmp_path):
    """Writes a configuration whose paths count from its folder."""

    def written(name, more=""):
        path = tmp_path / f"{name}.toml"
        path.write_text(CONFIG.format(name=name, more=more), encoding="utf-8")
        return path

    return written


@pytest.mark.parametrize(
    ("workers", "more", "said"),
    [
        (0, "", "--workers is 0"),
        (3, "", "Choose a multiple of 3"),
        (2, 'resume_from_checkpoint = "no"', "has to be 'latest'"),
    ],
)
def test_what_cannot_work_is_refused_before_a_cluster_is_asked(config, workers, more, said):
    with pytest.raises(SettingsError, match=said):
        train_on_cluster("vae", config("run", more), Workers("local", workers))


def test_without_ray_train_it_says_what_to_install(config, monkeypatch):
    real = builtins.__import__

    def without_ray(name, *more, **named):
        if name.startswith("ray"):
            raise ImportError("No module named 'ray'")
        return real(name, *more, **named)

    monkeypatch.setattr(builtins, "__import__", without_ray)
    with pytest.raises(MissingDependencyError, match=r'pip install "ray\[train\]" .the extra .train-farm.'):
        train_on_cluster("vae", config("run"), Workers("local", 2))


def train(config, *options):
    command = [sys.executable, "-m", "hallo2_core", "train", "vae", "--config", str(config), "--threads", "1", *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "RAY_worker_niceness": "0"}
    return subprocess.Popen(command, cwd=config.parent, env=environment, stderr=subprocess.PIPE, text=True)


def losses(folder):
    """By step, in the order in which they were logged: a step that was made twice has two."""
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    return [(line["step"], line["loss"]) for line in lines if "loss" in line]


def kill_a_worker(process):
    """One of Ray Train's, by the name that Ray gives to its process."""
    found = [child for child in psutil.Process(process.pid).children(recursive=True) if "TrainWorker" in child.name()]
    os.kill(found[-1].pid, signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_two_workers_of_which_one_is_lost_make_the_steps_of_one_process(config, tmp_path):
    pytest.importorskip("ray.train", reason="the extra 'train-farm' is not installed")
    pytest.importorskip("accelerate")
    pictures = [{"frames": (normal(n, 2, 3, 64, 64).sigmoid() * 255).byte()} for n in range(4)]
    write_shard(pictures, tmp_path / "pictures" / "pictures-0.safetensors")
    alone = train(config("one"))
    _, said = alone.communicate()
    assert alone.returncode == 0, said

    farm = train(config("farm"), "--ray", "local", "--workers", "2")
    while farm.poll() is None and not (tmp_path / "farm" / "checkpoint-2").exists():
        time.sleep(0.05)
    kill_a_worker(farm)
    _, said = farm.communicate()
    assert farm.returncode == 0, said
    made = losses(tmp_path / "farm")
    one = dict(losses(tmp_path / "one"))
    assert {step for step, _loss in made} == set(one) == {1, 2, 3, 4}
    for step, loss in made:
        assert loss == pytest.approx(one[step], rel=1e-2)
    lines = (tmp_path / "farm" / "log.jsonl").read_text(encoding="utf-8").splitlines()
    starts = [json.loads(line)["step"] for line in lines if '"start"' in line]
    assert len(starts) == 2 and starts[1] >= 1
