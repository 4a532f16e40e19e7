"""What a process and its forked children tell each other."""

import os

import pytest

from pytest_traces.forking.board import Board, Route


def test_nothing_is_written():
    """Then there is nowhere to go."""
    assert Board().read() == Route(None, (), ())


def test_the_route():
    """The last one holds, however long the one before was."""
    board = Board()
    board.write(Route("http://127.0.0.1:1/" + "x" * 1000, list(range(500)), [7]))
    board.write(Route("http://127.0.0.1:2/é", [1, 2], []))
    assert board.read() == Route("http://127.0.0.1:2/é", [1, 2], [])


def test_half_of_a_route():
    """What another process is just writing is not taken for a route; the one before holds."""
    board = Board()
    board.write(Route("http://127.0.0.1:1/a", [1], []))
    assert board.read().url == "http://127.0.0.1:1/a"
    board._shared[board._shared.find(b'"http') + 5] ^= 1
    assert board.read().url == "http://127.0.0.1:1/a"


def test_flags():
    """Each recording has its own, until there are thousands."""
    board = Board()
    flags = [board.new_flag() for _ in range(3)]
    board.raise_flags(flags[1:2])
    assert [board.is_raised(flag) for flag in flags] == [False, True, False]
    again = [board.new_flag() for _ in range(4096)]
    assert flags[1] in again
    assert not board.is_raised(flags[1])


def test_children():
    """Those that are alive, or have not begun; a place is used again."""
    board = Board()
    assert not board.has_children()
    first, second = board.expect_child(), board.expect_child()
    assert first != second
    assert board.has_children()
    board.enter_child(first, os.getpid())
    board.enter_child(second, 2**22 + 1)  # more than a pid can be
    assert board.has_children()
    board.enter_child(first, 2**22 + 1)
    assert not board.has_children()
    assert board.expect_child() == first


def test_children_that_have_ended():
    """Also when their places are free, and whatever is asked for."""
    board = Board()
    first, second = board.expect_child(), board.expect_child()
    board.enter_child(first, os.getpid())
    board.enter_child(second, 2**22 + 1)
    assert board.is_over(2**22 + 1)
    assert board.has_children()
    board.enter_child(first, 2**22 + 2)
    assert not board.has_children()
    over = [board.is_over(pid) for pid in (2**22 + 1, 2**22 + 2, os.getpid(), None, [1], 0)]
    assert over == [True, True, False, False, False, False]


def test_more_children_than_places():
    """The last place is shared."""
    board = Board()
    places = [board.expect_child() for _ in range(1030)]
    assert places[1022:] == [1022, *[1023] * 7]
    assert board.has_children()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform does not fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_it_is_shared():
    """A child reads what is written after the fork, and what it raises is seen."""
    board, flag = Board(), 5
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            os.read(read, 1)
            board.raise_flags(board.read().open)
        finally:
            os._exit(0)
    board.write(Route("x", [flag]))
    os.write(write, b"x")
    os.waitpid(pid, 0)
    os.close(read)
    os.close(write)
    assert board.is_raised(flag)
