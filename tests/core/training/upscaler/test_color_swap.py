from hallo2_core.training.draws import sample_generator
from hallo2_core.training.upscaler.color_swap import swapped_colors


def orders(ratio):
    return [tuple(swapped_colors(ratio, sample_generator(0, number, "test"))) for number in range(200)]


def test_all_orders_come_up_and_most_samples_keep_their_colors():
    found = orders(0.5)
    assert len(set(found)) == 6
    assert 0.45 < found.count((0, 1, 2)) / len(found) < 0.75


def test_a_ratio_of_zero_swaps_nothing():
    assert set(orders(0.0)) == {(0, 1, 2)}
