"""Whoever is killed, the folder has one server again, with all that was written."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import redis

from jobsapi.store import client_for

from .conftest import Place, is_gone, until

if TYPE_CHECKING:
    from collections.abc import Iterator


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False


def test_a_killed_server_comes_back_with_its_data_under_the_same_address(place: Place) -> None:
    user = place.user()
    client = user.redis()
    for number in range(2):  # at once the first time, after a moment from the second time on
        client.set(f"word {number}", "kept")
        server = user.server()
        os.kill(server, signal.SIGKILL)
        assert until(lambda server=server: is_gone(server) and _answers(client))
    assert client.mget("word 0", "word 1") == [b"kept", b"kept"]
    assert place.user().server() == user.server()


def test_a_server_that_is_told_to_end_is_started_again_while_it_has_users(place: Place) -> None:
    user = place.user()
    server, client = user.server(), user.redis()
    os.kill(server, signal.SIGTERM)
    assert until(lambda: is_gone(server) and _answers(client))


def test_a_user_that_comes_while_the_server_is_down_waits_for_it(place: Place) -> None:
    user = place.user()
    user.redis().set("word", "kept")
    os.kill(user.server(), signal.SIGKILL)
    assert place.user().redis().get("word") == b"kept"


def test_a_killed_keeper_is_replaced_by_the_next_user_and_the_server_still_goes_at_the_end(place: Place) -> None:
    user = place.user()
    server, keeper = user.server(), place.status()["keeper"]
    os.kill(keeper, signal.SIGKILL)
    assert until(lambda: place.status()["keeper"] is None)
    other = place.user()
    assert other.server() == server
    assert place.status()["keeper"] not in (None, keeper)
    user.leave()
    other.leave()
    assert until(lambda: is_gone(server))


def test_a_server_whose_keeper_and_users_were_killed_is_found_again(place: Place) -> None:
    user = place.user()
    server = user.server()
    os.kill(place.status()["keeper"], signal.SIGKILL)
    user.kill()
    other = place.user()
    assert other.server() == server
    other.leave()
    assert until(lambda: is_gone(server))


def test_an_adopted_server_that_is_killed_comes_back(place: Place) -> None:
    user = place.user()
    user.redis().set("word", "kept")
    server = user.server()
    os.kill(place.status()["keeper"], signal.SIGKILL)
    other = place.user()
    assert other.server() == server
    os.kill(server, signal.SIGKILL)
    assert until(lambda: is_gone(server) and _answers(user.redis()))
    assert user.redis().get("word") == b"kept"


def test_the_keeper_does_not_end_by_a_stop_of_everything_before_the_users_do(place: Place) -> None:
    user = place.user()
    server, keeper = user.server(), place.status()["keeper"]
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        os.kill(keeper, number)
    assert user.server() == server
    user.leave()
    assert until(lambda: is_gone(keeper) and is_gone(server))


_COUNTER = """
import os, sys, time
from pathlib import Path
from jobsapi.errors import StoreUnavailable
from jobsapi.settings import Settings
from jobsapi.store import embedded, keeper

def count():
    out = os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND)
    while True:
        try:
            address = embedded.ensure(Settings(folder=Path(sys.argv[1])))
        except StoreUnavailable:
            continue
        path = address.removeprefix("unix://").replace("%20", " ")
        while (reply := keeper.ask(path, "INCR", "number")) and reply[0] == ":":
            os.write(out, (reply[1:] + "\\n").encode())
            time.sleep(0.001)

for _ in sys.stdin:  # each line asks for one more process
    child = os.fork()
    if not child:
        os.close(0)
        count()
    print(child, flush=True)
"""


class Storm:
    """Processes that count on the server as fast as they can, and can be killed one by one."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.numbers = place.path / "numbers"
        self.numbers.touch()
        command = [sys.executable, "-c", _COUNTER, str(place.folder), str(self.numbers)]
        self.parent = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.users: list[int] = []

    def start(self) -> None:
        assert self.parent.stdin
        assert self.parent.stdout
        self.parent.stdin.write("\n")
        self.parent.stdin.flush()
        self.users.append(int(self.parent.stdout.readline()))

    def kill_user(self, chance: random.Random) -> None:
        if self.users:
            os.kill(self.users.pop(chance.randrange(len(self.users))), signal.SIGKILL)

    def kill(self, whom: str) -> None:
        pid = self.place.status()[whom]
        if pid and not is_gone(pid):
            os.kill(pid, signal.SIGKILL)

    def servers(self) -> list[str]:
        """The server processes of this folder, as the machine lists them."""
        address = self.place.status()["socket"] or "nowhere yet"
        listed = subprocess.run(["ps", "-eww", "-o", "args"], stdout=subprocess.PIPE, text=True, check=True).stdout
        return [line for line in listed.splitlines() if address in line and "keeper.py" not in line]

    def close(self) -> None:
        for user in self.users:
            os.kill(user, signal.SIGKILL)
        self.users = []
        self.parent.kill()
        self.parent.communicate(timeout=10)


@pytest.fixture
def storm(place: Place) -> Iterator[Storm]:
    made = Storm(place)
    yield made
    made.close()


def test_a_storm_of_starts_and_kills_never_makes_two_servers_or_gives_out_a_number_twice(
    place: Place, storm: Storm
) -> None:
    seed = int(os.environ.get("JOBSAPI_TEST_SEED", time.time_ns() % 1_000_000))
    sys.stdout.write(f"JOBSAPI_TEST_SEED={seed}\n")  # pytest shows it where the test fails
    chance = random.Random(seed)
    began, numbers = time.monotonic(), Path(storm.numbers)
    while (took := time.monotonic() - began) < 30:
        if took > 2 and numbers.exists() and len(numbers.read_text().splitlines()) > 10:
            break
        action = chance.choice(["start"] * 4 + ["end"] * 3 + ["server", "keeper", "everyone"])
        if action == "start" and len(storm.users) < 6:
            storm.start()
        elif action == "end":
            storm.kill_user(chance)
        elif action == "everyone":
            while storm.users:
                storm.kill_user(chance)
        elif action in ("server", "keeper"):
            storm.kill("pid" if action == "server" else "keeper")
        assert len(storm.servers()) <= 1
        time.sleep(chance.choice([0, 0.01, 0.05, 0.1]))
    storm.close()
    given = [int(line) for line in numbers.read_text().splitlines()]
    assert len(given) > 10
    assert len(set(given)) == len(given)

    last = place.user()
    assert int(client_for(last.address, database=0).get("number")) >= max(given)
    server = last.server()
    last.leave()
    assert until(lambda: is_gone(server))
