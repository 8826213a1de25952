import torch

from hallo2_core.selftest.case import GOLDENS, Case, Comparison, shipped_goldens, skipped


def test_the_worst_difference_decides():
    comparison = Comparison("case")
    comparison.check("one", torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.5]), 1.0)
    comparison.check("other", torch.tensor([4.0]), torch.tensor([3.75]), 0.1)
    verdict = comparison.verdict()
    assert (verdict.max_abs, verdict.rel, verdict.status) == (0.5, 0.2, "FAIL")
    assert verdict.reason == "other differs by 0.25, limit 0.1"
    assert str(verdict) == "case 0.5 0.2 FAIL other differs by 0.25, limit 0.1"


def test_limits_may_be_reached_and_zero_means_exact():
    comparison = Comparison("case")
    comparison.check("exact", torch.arange(3), torch.arange(3), 0)
    comparison.check("at the limit", torch.tensor(1.5), torch.tensor(1.0), 0.5)
    assert comparison.verdict().status == "PASS"
    comparison.check("not exact", torch.tensor(1.0), torch.tensor(1.0000001), 0)
    assert comparison.verdict().status == "FAIL"


def test_another_shape_fails_although_it_would_broadcast():
    comparison = Comparison("case")
    comparison.check("output", torch.zeros(1, 3), torch.zeros(3), 1.0)
    assert comparison.verdict().reason == "output has shape (1, 3), expected (3,)"


def test_not_a_number_fails_and_is_reported():
    comparison = Comparison("case")
    comparison.check("output", torch.tensor([float("nan")]), torch.zeros(1), 1e9)
    comparison.check("other", torch.ones(1), torch.zeros(1), 1e9)
    verdict = comparison.verdict()
    assert verdict.status == "FAIL" and verdict.max_abs != verdict.max_abs and "differs by nan" in verdict.reason


def test_nothing_compared_is_a_failure_and_skipping_is_none():
    assert Comparison("case").verdict().status == "FAIL"
    assert str(skipped("case", "why")) == "case nan nan SKIP why"


def test_a_case_takes_its_folders_configuration_before_the_shipped_one(tmp_path):
    (tmp_path / "config.json").write_text('{"mine": 1}')
    case = Case("x", tmp_path / "x.safetensors")
    assert case.beside("config.json") == {"mine": 1}
    assert "encoder.conv_in.weight" in case.beside("manifest_vae.json")
    assert shipped_goldens() == GOLDENS


def test_metadata_is_json_and_the_salt_defaults_to_0():
    scheduler, full = (Case(name, GOLDENS / f"{name}.safetensors") for name in ("scheduler40", "full_size_denoise"))
    assert full.metadata["motion_scale"] == [1.0, 1.2, 0.9] and full.metadata["cfg"] is True
    assert (scheduler.salt, full.salt) == (0, 5)
