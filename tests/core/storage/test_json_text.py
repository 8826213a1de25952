import pytest

from hallo2_core.storage.json_text import MOST_LEVELS, parse_json


def nested(levels):
    return '{"a":' * levels + "1" + "}" * levels


def test_values_are_as_in_json():
    assert parse_json('{"a": [1, null]}') == {"a": [1, None]} and parse_json(b"3") == 3
    assert parse_json(nested(MOST_LEVELS - 1))


@pytest.mark.parametrize("text", ["", "{", b"\xff", nested(MOST_LEVELS), nested(100_000), "[" * 100_000])
def test_all_that_fails_is_a_value_error(text):
    with pytest.raises(ValueError):
        parse_json(text)
