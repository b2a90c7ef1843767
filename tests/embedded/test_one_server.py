"""One folder has one server, for as long as anyone uses it."""

from __future__ import annotations

import os
import shutil
import signal
from typing import TYPE_CHECKING

from .conftest import is_gone, until

if TYPE_CHECKING:
    from .conftest import Place


def test_eight_processes_that_start_at_once_share_one_server(place: Place) -> None:
    users = [place.user() for _ in range(8)]
    assert len({user.address for user in users}) == 1
    assert {user.server() for user in users} == {place.status()["pid"]}


def test_the_server_goes_when_the_last_user_goes_and_what_was_written_is_there_at_the_next_start(place: Place) -> None:
    first, second = place.user(), place.user()
    server, keeper = first.server(), place.status()["keeper"]
    first.redis().set("word", "kept")
    first.leave()
    assert second.redis().get("word") == b"kept"
    second.leave()
    assert until(lambda: is_gone(server) and is_gone(keeper))
    assert not place.status()["running"]
    assert not (place.folder / "server.json").exists()
    assert not os.path.exists(second.address.removeprefix("unix://"))  # noqa: PTH110

    third = place.user()
    assert third.redis().get("word") == b"kept"
    assert third.server() != server


def test_the_server_goes_when_its_users_are_killed(place: Place) -> None:
    users = [place.user(), place.user()]
    server = users[0].server()
    for user in users:
        assert user.server() == server
        user.kill()
    assert until(lambda: is_gone(server))


def test_the_server_stays_when_its_starter_is_interrupted_and_another_uses_it(place: Place) -> None:
    starter = place.user()
    server = starter.server()
    other = place.user()
    assert other.server() == server
    starter.kill(signal.SIGINT)
    assert other.server() == server


def test_the_server_stays_when_its_starter_is_killed_and_another_uses_it(place: Place) -> None:
    starter = place.user()
    server = starter.server()
    other = place.user()
    assert other.server() == server
    starter.kill()
    assert other.server() == server


def test_a_user_that_comes_as_the_last_one_goes_has_a_server(place: Place) -> None:
    before = place.user()
    for _ in range(6):
        before.redis().incr("rounds")
        after = place.user()
        before.leave()
        before = after
    assert int(before.redis().get("rounds")) == 6


def test_a_program_that_a_user_started_does_not_keep_the_server(place: Place) -> None:
    user = place.user(
        then="import subprocess; print(subprocess.Popen(['sleep', '60'], start_new_session=True).pid, flush=True)"
    )
    server = user.server()
    sleeper = int(user.line())
    user.process.kill()
    assert until(lambda: is_gone(server))
    os.kill(sleeper, signal.SIGKILL)


def test_a_fork_of_a_user_keeps_the_server_and_can_ask_for_it_again(place: Place) -> None:
    fork = "import os; child = os.fork(); child or print(os.getpid(), embedded.ensure(settings), flush=True)"
    user = place.user(then=fork)
    server = user.server()
    child, _, address = user.line().partition(" ")
    assert address == user.address
    user.process.kill()
    assert not until(lambda: is_gone(server), 0.3)
    os.kill(int(child), signal.SIGKILL)
    assert until(lambda: is_gone(server))


def test_two_folders_have_two_servers(place: Place) -> None:
    one, other = place.user(), place.user(place.path / "other")
    one.redis().set("whose", "one")
    assert other.redis().get("whose") is None
    assert one.server() != other.server()


def test_a_copy_of_a_folder_in_use_has_a_server_of_its_own(place: Place) -> None:
    one = place.user()
    one.redis().set("word", "copied")
    shutil.copytree(place.folder, place.path / "copy")
    other = place.user(place.path / "copy")
    assert other.redis().get("word") == b"copied"
    assert other.server() != one.server()


def test_a_folder_that_is_moved_takes_its_server_along(place: Place) -> None:
    one = place.user()
    server = one.server()
    place.folder.rename(place.path / "moved")
    newcomer = place.user(place.path / "moved")
    elsewhere = place.user()  # the old name is another folder now
    assert newcomer.server() == server != elsewhere.server()
    assert newcomer.address != elsewhere.address


def test_the_folder_is_found_from_the_working_folder(place: Place) -> None:
    named, relative = place.user(), place.user(place.folder.relative_to(place.path), cwd=place.path)
    assert named.server() == relative.server()
