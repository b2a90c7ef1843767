"""What is on disk: how surely, how it is read again, and what is said when it cannot be."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from .conftest import is_gone, until

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Place


def _durability(place: Place) -> str:
    user = place.user()
    return str(user.redis().config_get("appendfsync")["appendfsync"])


def _commands(place: Place) -> Path:
    """The append-only file that is being written."""
    return next((place.folder / "store" / "appendonlydir").glob("*.incr.aof"))


def _stopped(place: Place) -> None:
    """Have a server with one key, and let it end."""
    user = place.user()
    user.redis().set("word", "kept")
    server = user.server()
    user.leave()
    assert until(lambda: is_gone(server))


def test_a_user_who_asks_for_more_durability_gets_it_for_all_and_for_a_server_started_again(place: Place) -> None:
    user = place.user()
    client = user.redis()
    assert _durability(place) == "everysec"
    strict = place.user(durability="always")
    assert strict.server() == user.server()
    assert _durability(place) == "always"
    server = user.server()
    os.kill(server, signal.SIGKILL)
    assert until(lambda: is_gone(server))
    assert _durability(place) == "always"
    assert client.config_get("save")["save"] == ""
    assert client.config_get("maxmemory-policy")["maxmemory-policy"] == "noeviction"


def test_the_next_start_has_the_durability_it_asks_for(place: Place) -> None:
    strict = place.user(durability="always")
    server = strict.server()
    assert _durability(place) == place.status()["durability"] == "always"
    for user in place.users:
        user.leave()
    assert until(lambda: is_gone(server))
    assert _durability(place) == "everysec"


def test_a_server_that_still_reads_a_large_file_is_waited_for(place: Place) -> None:
    _stopped(place)
    with _commands(place).open("a") as file:
        file.writelines(f"*3\r\n$3\r\nSET\r\n$7\r\nn{n:06}\r\n$1\r\n1\r\n" for n in range(100_000))
    assert place.user().redis().dbsize() == 100_001


def test_a_file_that_was_cut_off_by_a_power_cut_is_read_up_to_there(place: Place) -> None:
    _stopped(place)
    with _commands(place).open("a") as file:
        file.write("*3\r\n$3\r\nSET\r\n$4\r\nha")
    assert place.user().redis().get("word") == b"kept"


def test_a_file_that_is_spoiled_is_told_with_the_log(place: Place) -> None:
    _stopped(place)
    with _commands(place).open("r+") as file:
        file.write("spoiled")
    complaint = place.user().complaint()
    assert "StoreUnavailable" in complaint
    assert "server.log" in complaint
    assert "Bad file format" in complaint


def test_a_long_log_is_put_aside_at_the_next_start(place: Place) -> None:
    _stopped(place)
    log = place.folder / "server.log"
    log.write_text("a line of an old log\n" * 60_000)
    assert place.user().redis().ping()
    assert log.stat().st_size < 100_000
    assert (place.folder / "server.log.1").stat().st_size > 1_000_000


def test_the_folder_is_not_for_version_control(place: Place) -> None:
    assert place.user().address
    assert (place.folder / ".gitignore").read_text() == "*\n"
