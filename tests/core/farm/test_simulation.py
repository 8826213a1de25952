"""Answers of queueing theory, and of cases that can be worked out by hand."""

import pytest

from hallo2_core.farm.simulation import CLIP_SECONDS, HOUR, Cards, Costs, Demand, simulate

NEVER = 1e12


def cards(number, between=NEVER, repair=0.0, price=1.0):
    return Cards(number, between, repair, price)


def test_one_video_takes_the_sum_of_its_parts():
    demand = Demand(videos_per_hour=1.0, mean_minutes=1.0, spread=0.0)
    plan = simulate(cards(1), demand, Costs(clip=10.0, upscaled_clip=5.0, start=60.0), videos=1, piece_clips=1000)
    clips = 94  # 60 s / 0.64 s, rounded up
    assert plan.mean_turnaround * HOUR == pytest.approx(60 + clips * 10 + 60 + clips * 5)
    assert plan.video_hours * HOUR == pytest.approx(clips * CLIP_SECONDS)
    assert plan.mean_wait == 0


def test_pieces_are_enlarged_side_by_side():
    demand = Demand(videos_per_hour=1.0, mean_minutes=1.0, spread=0.0)
    costs = Costs(clip=10.0, upscaled_clip=100.0, start=0.0)
    together = simulate(cards(4), demand, costs, videos=1, piece_clips=25)
    assert together.mean_turnaround * HOUR == pytest.approx(94 * 10 + 25 * 100)


def test_waiting_agrees_with_the_formula_for_one_card_and_equal_lengths():
    """M/D/1: the mean wait is load / (2 (1 - load)) services."""
    demand = Demand(videos_per_hour=3.0, mean_minutes=1.0, spread=0.0, upscaled_share=0.0)
    service = 94 * 8.0  # seconds
    load = 3.0 * service / HOUR
    plan = simulate(cards(1), demand, Costs(8.0, 0.0, 0.0), videos=60_000)
    assert plan.mean_wait * HOUR == pytest.approx(load / (2 * (1 - load)) * service, rel=0.05)
    assert plan.busy == pytest.approx(load, rel=0.03)


def test_failures_lose_no_video_and_cost_the_clip_under_way_and_a_start():
    demand = Demand(videos_per_hour=0.01, mean_minutes=10.0, spread=0.0, upscaled_share=0.0)
    costs = Costs(clip=60.0, upscaled_clip=0.0, start=30.0)
    safe = simulate(cards(1), demand, costs, videos=50)
    failing = simulate(cards(1, between=2.0), demand, costs, videos=50)
    assert failing.videos == safe.videos == 50 and failing.failures > 100
    lost = (failing.mean_turnaround - safe.mean_turnaround) * HOUR * 50 / failing.failures
    assert costs.start / 2 < lost < costs.start + costs.clip


def test_more_cards_wait_less_and_idle_more():
    demand = Demand(videos_per_hour=20.0, mean_minutes=2.0)
    plans = [simulate(cards(n), demand, Costs(10.0, 4.0, 30.0), videos=500) for n in (10, 20, 40)]
    assert plans[0].wait_95 > plans[1].wait_95 >= plans[2].wait_95
    assert plans[0].busy > plans[1].busy > plans[2].busy
    assert plans[0].price_per_video_hour < plans[2].price_per_video_hour
