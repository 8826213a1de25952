import numpy as np
import pytest

from hallo2_core.errors import SettingsError
from hallo2_core.training.cartoons.split import generator


def test_the_same_seed_gives_the_same_numbers_and_every_other_stream_gives_others():
    streams = [(3, "train", "hair"), (4, "train", "hair"), (3, "held_back", "hair"), (3, "train", "eyes")]
    drawn = [generator(*stream).random(4) for stream in streams]
    assert np.array_equal(drawn[0], generator(3, "train", "hair").random(4))
    assert len({numbers.tobytes() for numbers in drawn}) == len(streams)


@pytest.mark.parametrize(("seed", "split", "said"), [(-1, "train", "0 or more"), (0, "test", "train, held_back")])
def test_what_is_no_seed_and_no_split_is_refused(seed, split, said):
    with pytest.raises(SettingsError, match=said):
        generator(seed, split, "hair")
