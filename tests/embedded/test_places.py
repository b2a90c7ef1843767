"""Where the server's files and its socket lie, and what is said where they cannot."""

from __future__ import annotations

import os
import platform
import shutil
import signal
import socket
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from jobsapi.errors import SetupError
from jobsapi.settings import Settings
from jobsapi.store import embedded

from .conftest import is_gone, until

if TYPE_CHECKING:
    from .conftest import Place


def _socket(address: str) -> Path:
    return Path(address.removeprefix("unix://").replace("%20", " "))


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_socket_lies_in_a_folder_that_is_closed_to_others(place: Place) -> None:
    path = _socket(place.user().address)
    assert _mode(path.parent) == 0o700
    assert path.parent.stat().st_uid == os.geteuid()
    assert place.folder not in path.parents
    assert _mode(place.folder) == _mode(place.folder / "store") == 0o700


def test_the_runtime_folder_is_preferred_and_everyone_is_told(place: Place) -> None:
    runtime = place.path / "run time"
    runtime.mkdir(mode=0o700)
    one = place.user(env=os.environ | {"XDG_RUNTIME_DIR": str(runtime)})
    assert runtime in _socket(one.address).parents
    assert place.user().server() == one.server()


def test_a_long_path_and_a_long_temporary_folder_work(place: Place) -> None:
    long = place.path / ("long " * 20) / ("longer " * 20)
    long.mkdir(parents=True)
    user = place.user(long / ".jobsapi", env=os.environ | {"TMPDIR": str(long)})
    assert len(os.fsencode(_socket(user.address))) < 104
    assert user.redis().ping()


def test_a_socket_folder_that_is_open_to_others_is_refused(place: Place) -> None:
    first = place.user()
    folder = _socket(first.address).parent
    server = first.server()
    first.leave()
    assert until(lambda: is_gone(server) and not folder.exists())
    folder.mkdir()
    folder.chmod(0o777)
    refused = place.user().complaint()
    assert "SetupError" in refused
    assert "open to other users" in refused
    folder.rmdir()
    folder.symlink_to(place.path)
    assert "is not a folder" in place.user().complaint()
    folder.unlink()


def test_a_socket_that_was_removed_is_made_again_under_the_same_address(place: Place) -> None:
    user = place.user()
    user.redis().set("word", "kept")
    shutil.rmtree(_socket(user.address).parent)
    other = place.user()
    assert other.address == user.address
    assert other.redis().get("word") == user.redis().get("word") == b"kept"


def test_stale_files_of_a_machine_that_lost_its_power_are_no_obstacle(place: Place) -> None:
    user = place.user()
    user.redis().set("word", "kept")
    server = user.server()
    os.kill(place.status()["keeper"], signal.SIGKILL)
    os.kill(server, signal.SIGKILL)
    user.kill()
    assert _socket(user.address).exists()
    assert (place.folder / "server.json").exists()
    assert place.user().redis().get("word") == b"kept"


def test_a_record_that_is_lost_is_written_again(place: Place) -> None:
    user = place.user()
    server = user.server()
    os.kill(place.status()["keeper"], signal.SIGKILL)
    assert until(lambda: place.status()["keeper"] is None)
    (place.folder / "server.json").unlink()
    assert place.user().server() == server


def test_the_server_of_a_folder_that_was_removed_goes_and_the_next_user_has_another(place: Place) -> None:
    user = place.user()
    server = user.server()
    shutil.rmtree(place.folder)
    other = place.user()
    assert other.server() != server
    assert until(lambda: is_gone(server))
    assert other.address == user.address or until(lambda: not _socket(user.address).parent.exists())
    assert other.redis().ping()


def test_a_folder_whose_lock_files_were_removed_never_has_two_servers(place: Place) -> None:
    user = place.user()
    user.redis().set("word", "kept")
    server = user.server()
    for lock in place.folder.glob("*.lock"):
        lock.unlink()
    other = place.user()
    assert other.server() != server
    assert is_gone(server)
    assert other.redis().get("word") == b"kept"


def test_a_folder_that_cannot_be_written_is_told_with_the_way_out(place: Place) -> None:
    (place.path / "file").write_text("")
    with pytest.raises(SetupError, match=r"JOBSAPI_DIR .* REDIS_URL"):
        embedded.ensure(Settings(folder=place.path / "file"))
    with pytest.raises(SetupError, match=r"JOBSAPI_DIR .* REDIS_URL"):
        embedded.ensure(Settings(folder=place.path / "file" / ".jobsapi"))


def test_a_server_of_another_machine_is_told_by_its_name(place: Place) -> None:
    user = place.user()
    record = place.folder / "server.json"
    assert user.address
    record.write_text(record.read_text().replace(socket.gethostname(), "elsewhere").replace("server.sock", "none.sock"))
    assert "runs on 'elsewhere'" in place.user().complaint()


def test_a_machine_without_a_server_is_told_to_name_one(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(SetupError, match=r"linux, riscv64.*REDIS_URL|darwin, riscv64.*REDIS_URL"):
        embedded._binary()


def test_what_is_known_of_a_server_is_told_without_starting_one(place: Place) -> None:
    assert not place.status()["running"]
    assert not place.folder.exists()
    user = place.user()
    server = user.server()
    known = place.status()
    assert known["running"]
    assert known["pid"] == server
    assert known["socket"] == str(_socket(user.address))
    assert known["aof_bytes"] > 0
    assert "Ready to accept connections" in Path(known["log"]).read_text()
    user.leave()
    assert until(lambda: is_gone(server))
    assert not place.status()["running"]
    assert place.status()["pid"] is None
