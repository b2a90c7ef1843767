"""A series of calls: each is run once and in order, whatever becomes of the script, the connection or the client."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobsapi.errors import StoreUnavailable
from jobsapi.settings import Settings
from jobsapi.store import connect
from jobsapi.store.series import run_series
from tests.conftest import server_binary
from tests.system.proxy import a_proxy
from tests.system.server import a_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jobsapi.store import Store

BATCH = "00" + "b" * 18
IDS = [f"00{n:018}" for n in range(20)]


def staged(store: Store, before: Callable[[int], object] = lambda _place: None) -> list[str]:
    """The jobs of a large submit, one a call, as the server has them; `before` is called with each place."""

    def calls() -> Iterator[list[object]]:
        for place, jid in enumerate(IDS):
            before(place)
            yield [BATCH, place, 2, "q", "default", "t", "work", jid, "{}"]

    assert len(list(run_series(store, "stage_alike", calls()))) == len(IDS)
    return [jid.decode() for jid in store.redis.lrange(store.keys.stage(BATCH), 0, -1)]


def test_a_series_is_run_in_order(store: Store) -> None:
    assert staged(store) == IDS


@pytest.mark.parametrize("places", [(0,), (7,), (0, 1, 12)])
def test_a_series_goes_on_where_the_server_forgets_the_script(store: Store, places: tuple[int, ...]) -> None:
    assert staged(store, lambda place: place in places and store.redis.script_flush()) == IDS


def test_a_series_goes_on_where_its_connection_breaks_once(request: pytest.FixtureRequest) -> None:
    with a_server(server_binary(request.config)) as server, a_proxy(server.socket) as proxy:
        store = connect(Settings(redis_url=proxy.url))
        assert staged(store, lambda place: place == 7 and proxy.cut()) == IDS
        store.close()


def test_a_series_needs_no_line_of_its_own(store: Store) -> None:
    store._line = None  # as of a cluster's client
    assert staged(store) == IDS


def test_a_series_that_is_refused_raises_and_leaves_nothing_for_the_next_one_to_read(store: Store) -> None:
    with pytest.raises(StoreUnavailable, match="took too long"):
        list(run_series(store, "stage_alike", [[BATCH, 5, 2, "q", "default", "t", "work", jid, "{}"] for jid in IDS]))
    assert int(store.run("stage_alike", BATCH, 0, 2, "q", "default", "t", "work", IDS[0], "{}")) > 0
    assert staged(store) == IDS
