"""What is seen of an order under way, and how the screen says it."""

import io

import pytest

from hallo2_core.farm.board import Board
from hallo2_core.farm.orders import Order
from hallo2_core.farm.worker import Progress

ORDER = Order(1, {"out": "a.mp4"})


@pytest.fixture
def board():
    board = Board()
    board.begin(1, "node")
    return board


def parts(board):
    return {part: (progress.done, progress.total) for part, progress in board.seen()[1].parts.items()}


def test_parts_go_on_side_by_side(board):
    assert parts(board) == {"loading": (0, 0)}
    board.note(1, Progress("animate", 3, 10))
    board.note(1, Progress("upscale", 96, 400))
    board.note(1, Progress("animate", 4, 10))
    assert parts(board) == {"animate": (4, 10), "upscale": (96, 400)}


def test_the_first_part_stands_for_the_order(board):
    board.note(1, Progress("animate", 3, 10))
    board.note(1, Progress("upscale", 96, 400))
    assert board.seen()[1].progress == Progress("animate", 3, 10)
    board.note(1, Progress("animate", 10, 10))
    board.note(1, Progress("upscale", 192, 400))
    assert board.seen()[1].progress == Progress("upscale", 192, 400)


def test_a_finished_part_gives_way_to_the_others(board):
    board.note(1, Progress("animate", 10, 10))
    assert parts(board) == {"animate": (10, 10)}
    board.note(1, Progress("upscale", 96, 400))
    assert parts(board) == {"upscale": (96, 400)}


def test_another_attempt_begins_anew(board):
    board.note(1, Progress("animate", 4, 10))
    board.begin(1, "other")
    assert parts(board) == {"loading": (0, 0)} and board.seen()[1].attempts == 2


def test_a_log_has_a_line_for_each_tenth_of_each_part(board):
    console = pytest.importorskip("rich.console").Console(file=io.StringIO(), width=200)
    from hallo2_core.farm.screen import Screen

    screen = Screen([ORDER], console)
    for done in range(0, 21):
        board.note(1, Progress("animate", done, 20))
        board.note(1, Progress("upscale", min(done, 5), 10))
        screen.show(board.seen(), [])
    said = console.file.getvalue().splitlines()
    assert len(said) == len(set(said)) == 11 + 6 - 1  # of the finished animation nothing is left to say
    assert "a.mp4: animate 50 % on node" in said and "a.mp4: upscale 50 % on node" in said


def test_the_screen_has_a_row_for_each_part_and_the_results_a_note(board):
    console = pytest.importorskip("rich.console").Console(file=io.StringIO(), width=200)
    from hallo2_core.farm.cluster import DONE, Outcome
    from hallo2_core.farm.screen import Screen, results_table

    board.note(1, Progress("animate", 3, 10))
    board.note(1, Progress("upscale", 96, 400))
    console.print(Screen([ORDER], console)._table(board.seen(), {}))
    console.print(results_table([Outcome(1, "a.mp4", DONE, video={"frames": 400, "note": "helpers did 3 of 5"})]))
    said = console.file.getvalue()
    assert said.count("a.mp4") == 2 and "animate" in said and "upscale" in said and "helpers did 3 of 5" in said
