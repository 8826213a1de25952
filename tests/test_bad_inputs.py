"""Every case of `bad_inputs.py`."""

import pytest
from bad_input_cases import AREAS
from bad_input_cases.media import write_media
from bad_inputs import problem, seen_of


@pytest.fixture(scope="module")
def media(tmp_path_factory):
    folder = tmp_path_factory.mktemp("media")
    write_media(folder)
    return folder


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=f"{area}: {case.name}") for area, cases in AREAS.items() for case in cases]
)
def test_bad_input_is_refused_in_one_line_or_handled_right(case, media, tmp_path):
    assert problem(case, seen_of(case, media, tmp_path)) == ""


def test_there_are_cases_of_every_area_and_none_twice():
    names = [(area, case.name) for area, cases in AREAS.items() for case in cases]
    assert len(set(names)) == len(names) >= 120 and all(AREAS.values())
