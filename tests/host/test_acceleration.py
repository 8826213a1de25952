"""Accelerate: what its settings do to a graph."""

import pytest

SAMPLE = "9"


@pytest.fixture
def graph(demo_graph):
    """The demo at 64×64 with four steps, sampled with these settings of the node; None: without the node."""
    demo_graph[SAMPLE]["inputs"]["steps"] = 4
    demo_graph["6"]["inputs"] |= {"width": 64, "height": 64}

    def of(settings):
        if settings is not None:
            demo_graph["faster"] = {"class_type": "Hallo2Accelerate", "inputs": settings}
            demo_graph[SAMPLE]["inputs"]["acceleration"] = ["faster", 0]
        return demo_graph

    return of


def test_an_accelerated_graph_takes_fewer_steps_and_an_exact_one_is_the_graph_without_it(host, film, graph):
    def run(settings):
        made = host.run(graph(settings))
        assert made.status == "success", made.message
        progress = made.progress_of(SAMPLE)
        return film(host.saved_files(made, "10")[0]).frames, progress[-1][2] if progress else 0

    plain, steps = run(None)
    assert steps == 2 * (4 + 1)  # two clips, each of four steps and its decoding
    again, steps = run({"preset": "exact"})
    assert steps == 0 and (again == plain).all()  # the finished video
    chosen = {"solver": "dpm++2m", "step_share": 0.75, "guided_until": 0.5, "unconditional_every": 2, "deep_every": 2}
    faster, steps = run({"preset": "custom", **chosen})
    assert steps == 2 * (3 + 1) and faster.shape == plain.shape
    assert (faster != plain).any() and abs(faster.astype(float) - plain).mean() < 32


def test_settings_without_a_meaning_are_refused_at_the_node(host, graph):
    run = host.run(graph({"preset": "custom", "guided_from": 0.6, "guided_until": 0.5}))
    assert run.status == "error" and "from 0.6 to 0.5 of the steps; choose two values" in run.message
