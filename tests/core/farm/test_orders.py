"""The jobs file: what is read, and what is refused before anything starts."""

import pytest

from hallo2_core.errors import SettingsError
from hallo2_core.farm.orders import as_arguments, read_orders


@pytest.fixture
def read(tmp_path):
    def written(text, name="jobs.jsonl"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return read_orders(path)

    return written


def test_a_line_is_a_video(read):
    one, two = read(
        '{"portrait": "a.png", "audio": "a.wav", "out": "a.mp4", "lip-weight": 1.2}\n\n'
        '{"portrait": "b.png", "audio": "b.wav", "out": "b.mp4", "upscale": {"scale": 4}}\n'
    )
    assert (one.line, one.out, one.options["lip_weight"], one.upscale) == (1, "a.mp4", 1.2, None)
    assert (two.line, two.upscale) == (3, {"scale": 4})


def test_upscale_true_means_its_defaults(read):
    (order,) = read('{"portrait": "a.png", "audio": "a.wav", "out": "a.mp4", "upscale": true}')
    assert order.upscale == {}


def test_sections_are_seconds(read):
    assert read('{"out": "a.mp4", "section_seconds": 300}')[0].section_seconds == 300
    table = "portrait,out,section-seconds\na.png,a.mp4,90\nb.png,b.mp4,\n"
    assert [order.section_seconds for order in read(table, "jobs.csv")] == [90, None]


def test_csv_says_the_same(read):
    table = "portrait,audio,out,steps,legacy-rng,upscale.scale\na.png,a.wav,a.mp4,12,true,4\nb.png,b.wav,b.mp4,,,\n"
    one, two = read(table, "jobs.csv")
    assert one.options == {"portrait": "a.png", "audio": "a.wav", "out": "a.mp4", "steps": "12", "legacy_rng": True}
    assert one.upscale == {"scale": "4"} and one.line == 2
    assert two.upscale is None and "steps" not in two.options


def test_a_quoted_cell_may_hold_a_timeline(read):
    (order,) = read('portrait,audio,out,text\na.png,a.wav,a.mp4,"0-2 happy, loud; 2- angry"\n', "jobs.csv")
    assert order.options["text"] == "0-2 happy, loud; 2- angry"


def test_options_become_a_command_line():
    options = {"out": "-a.mp4", "lip_weight": 1.2, "legacy_rng": True, "whole_picture": False, "seed": None}
    assert as_arguments(options) == ["--out=-a.mp4", "--lip-weight=1.2", "--legacy-rng"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no jobs"),
        ("{portrait: a}", "line 1: not JSON"),
        ('["a.png"]', "line 1: not an object"),
        ('{"portrait": "a.png"}', 'line 1: no "out"'),
        ('{"out": "a.mp4", "upscale": 4}', 'line 1: "upscale" is 4'),
        ('{"out": "a.mp4", "section_seconds": 0}', "number of seconds above 0"),
        ('{"out": "a.mp4", "section_seconds": "long"}', "number of seconds above 0"),
        ('{"out": "a.mp4", "text": ["happy"]}', "line 1: text must be"),
        ('{"out": "a.mp4"}\n{"out": "a.mp4"}', "lines 1, 2: all write a.mp4"),
    ],
)
def test_wrong_lines_are_named(read, text, said):
    with pytest.raises(SettingsError, match=said):
        read(text)


def test_all_wrong_lines_are_named_at_once(read):
    with pytest.raises(SettingsError, match="2 of its jobs: line 1: .*; line 3: "):
        read('nothing\n{"out": "a.mp4"}\n[]\n')


def test_a_file_that_is_not_text_is_refused(tmp_path):
    path = tmp_path / "jobs.jsonl"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="cannot be read"):
        read_orders(path)


def test_line_separators_within_a_text_end_no_line(read):
    (order,) = read('{"portrait": "a.png", "audio": "a.wav", "out": "a\u2028b.mp4"}')
    assert order.out == "a\u2028b.mp4"


def test_the_columns_of_upscaling_go_together(read):
    (on,) = read("portrait,audio,out,upscale,upscale.scale\na.png,a.wav,a.mp4,true,2\n", "jobs.csv")
    (off,) = read("portrait,audio,out,upscale,upscale.scale\na.png,a.wav,a.mp4,false,2\n", "jobs.csv")
    assert on.upscale == {"scale": "2"} and off.upscale is None


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        ('{"out": "a.mp4", "steps=4": 4}', "jobs.jsonl", "not the name of an option"),
        ("[" * 100_000, "jobs.jsonl", "nested too deeply"),
        ("out\n" + "a" * 140_000, "jobs.csv", "not CSV"),
    ],
)
def test_what_is_no_order_is_named(read, text, name, said):
    with pytest.raises(SettingsError, match=said):
        read(text, name)
