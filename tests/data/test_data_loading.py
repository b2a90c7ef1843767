"""Loading: all or nothing, in order, ids, replacing; what others see meanwhile; what a killed load leaves."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import os
import signal
import subprocess
import sys
import threading
import time
import tracemalloc

import pytest
from redis.exceptions import BusyLoadingError

from jobsapi import data
from jobsapi.errors import BadRow, DatasetBusy, StoreUnavailable, TooLarge, UnknownRecord
from jobsapi.settings import Settings
from jobsapi.store import connect
from tests.conftest import server_binary


def rows(start, end, **more):
    return [{"n": n, "name": f"number {n}", **more} for n in range(start, end)]


def everything(store, dataset="default"):
    return list(data.records(dataset=dataset, store=store))


def keys_of_sets(store):
    """Every key of data sets in this test's namespace, without the prefix."""
    found = store.redis.scan_iter(match=store.keys.prefix.replace("{", "\\{") + "*", count=1000)
    return sorted(key.decode().removeprefix(store.keys.prefix) for key in found)


def test_a_load_tells_how_many_came_and_how_many_there_are(store):
    assert data.load(rows(0, 3), store=store) == {"dataset": "default", "loaded": 3, "total": 3}
    assert data.load(rows(3, 5), store=store) == {"dataset": "default", "loaded": 2, "total": 5}
    assert everything(store) == rows(0, 5)


def test_data_sets_are_apart(store):
    data.load(rows(0, 3), dataset="one", store=store)
    data.load(rows(5, 6), dataset="two", store=store)
    assert everything(store, "one") == rows(0, 3)
    assert everything(store, "two") == rows(5, 6)
    assert everything(store, "three") == []


def test_a_name_that_is_none_is_refused(store):
    for call in (data.search, data.records, data.empty):
        with pytest.raises(ValueError, match="data set"):
            call(dataset="no:name", store=store)
    with pytest.raises(ValueError, match="data set"):
        data.load([], dataset="", store=store)


@pytest.mark.parametrize("name", ["a.json", "a.ndjson", "a.csv", "a.json.gz"])
def test_a_file_is_read_by_its_name(store, tmp_path, name):
    text = {"json": json.dumps(rows(0, 3)), "ndjson": "\n".join(map(json.dumps, rows(0, 3)))}
    text["csv"] = "n,name\n" + "".join(f"{row['n']},{row['name']}\n" for row in rows(0, 3))
    content = text[name.split(".")[1]].encode()
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    assert data.load(tmp_path / name, store=store)["loaded"] == 3
    assert data.load(str(tmp_path / name), dataset="again", store=store)["total"] == 3
    assert everything(store) == everything(store, "again") == rows(0, 3)


def test_bytes_and_open_files_are_read(store, tmp_path):
    content = json.dumps({"response": {"docs": rows(0, 2)}, "other": [{}]}).encode()
    data.load(content, records="/response/docs", store=store)
    (tmp_path / "data").write_bytes(b"n,name\n5,number 5\n")
    with (tmp_path / "data").open("rb") as file:
        data.load(file, media_type="text/csv", store=store)
    assert everything(store) == [*rows(0, 2), *rows(5, 6)]


def test_without_ids_numbers_are_given_from_1_and_go_on(store):
    data.load([{"x": "a"}, {"x": "b"}], store=store)
    data.load([{"x": "c"}], store=store)
    assert [data.get(number, store=store)["x"] for number in (1, 2, 3)] == ["a", "b", "c"]
    with pytest.raises(UnknownRecord):
        data.get(4, store=store)


def test_a_given_number_is_above_every_integer_id_before_it(store):
    data.load([{"id": 7, "x": "a"}, {"x": "b"}, {"id": "12", "x": "c"}, {"id": None, "x": "d"}], store=store)
    assert [data.get(number, store=store)["x"] for number in (7, 8, 12, 13)] == ["a", "b", "c", "d"]


def test_the_same_id_as_an_integer_and_as_a_text_is_one(store):
    data.load([{"id": 1, "x": "a"}], store=store)
    data.load([{"id": "1", "x": "b"}], store=store)
    assert data.get(1, store=store) == data.get("1", store=store) == {"id": "1", "x": "b"}
    assert len(everything(store)) == 1


def test_another_field_can_hold_the_id(store):
    data.load([{"code": "x/y?ü", "id": 9}, {"code": "b" * 5000, "id": 9}], id="code", store=store)
    assert data.get("x/y?ü", store=store)["id"] == 9
    assert data.get("b" * 5000, store=store)["code"] == "b" * 5000
    with pytest.raises(UnknownRecord):
        data.get("b" * 5001, store=store)


@pytest.mark.parametrize("bad", [{"id": 1.5}, {"id": True}, {"id": ""}, {"id": [1]}])
def test_an_id_that_is_no_integer_or_text_is_a_bad_row(store, bad):
    with pytest.raises(BadRow) as problem:
        data.load([{"id": 1}, bad], store=store)
    assert problem.value.row == 2
    assert everything(store) == []


def test_a_row_without_the_field_that_was_named_as_id_is_a_bad_row(store):
    with pytest.raises(BadRow) as problem:
        data.load([{"code": 1}, {"code": None}], id="code", store=store)
    assert problem.value.row == 2


@pytest.mark.parametrize("bad", [[1, 2], 5, "text", {"x": 1 << 70}, {"x": object()}, {"x": "\ud800"}, None])
def test_what_is_no_record_is_a_bad_row(store, bad):
    with pytest.raises(BadRow) as problem:
        data.load([{}, bad], store=store)
    assert problem.value.row == 2


def test_a_record_larger_than_the_setting_is_refused(environment):
    store = connect(Settings.from_environment(environment, max_record=100))
    data.load([{"x": "y" * 92}], store=store)
    with pytest.raises(TooLarge, match="JOBSAPI_MAX_RECORD"):
        data.load([{"x": "y" * 93}], store=store)
    store.close()


def test_an_id_that_comes_again_replaces_and_stands_at_the_end(store):
    data.load([{"id": n, "x": 0} for n in range(5)], store=store)
    loaded = data.load([{"id": 1, "x": 1}, {"id": 9, "x": 1}, {"id": 3, "x": 1}], store=store)
    assert loaded == {"dataset": "default", "loaded": 3, "total": 6}
    assert [row["id"] for row in everything(store)] == [0, 2, 4, 1, 9, 3]
    assert data.search("", where={"x": 0}, store=store).total == 3
    assert data.get(1, store=store) == {"id": 1, "x": 1}


def test_an_id_that_comes_again_in_the_same_load_replaces_too(store):
    loaded = data.load([{"id": "a", "x": 1}, {"id": "b", "x": 2}, {"id": "a", "x": 3}], store=store)
    assert loaded == {"dataset": "default", "loaded": 3, "total": 2}
    assert everything(store) == [{"id": "b", "x": 2}, {"id": "a", "x": 3}]
    assert data.search("1", store=store).total == 0


def test_many_ids_are_replaced_at_once(store):
    data.load([{"id": f"k{n}", "x": 0} for n in range(1000)], store=store)
    data.load([{"id": f"k{n}", "x": 1} for n in range(0, 1000, 2)], store=store)
    found = everything(store)
    assert [row["id"] for row in found] == [f"k{n}" for n in (*range(1, 1000, 2), *range(0, 1000, 2))]
    assert data.search("", where={"x": 1}, store=store).total == 500


def test_what_python_knows_and_json_does_not_is_kept_as_json(store):
    data.load([{"day": dt.date(2024, 5, 1), "gap": float("nan")}], store=store)
    assert everything(store) == [{"day": "2024-05-01", "gap": None}]


def failing(good):
    yield from rows(0, good)
    raise RuntimeError("the source broke")


@pytest.mark.parametrize("good", [0, 500, 20_000])
def test_a_load_that_fails_on_the_way_leaves_everything_as_it_was(store, good):
    data.load(rows(0, 10), store=store)
    before = keys_of_sets(store)
    with pytest.raises(RuntimeError, match="broke"):
        data.load(failing(good), store=store)
    with pytest.raises(BadRow) as problem:
        data.load([*rows(0, good), {"id": 1.5}], store=store)
    assert problem.value.row == good + 1
    assert everything(store) == rows(0, 10)
    assert keys_of_sets(store) == before
    assert data.load(rows(10, 11), store=store)["total"] == 11


def test_a_load_of_nothing_changes_nothing(store):
    assert data.load([], store=store) == {"dataset": "default", "loaded": 0, "total": 0}
    assert keys_of_sets(store) == []
    assert data.datasets(store) == []


def test_of_two_loads_at_once_the_second_is_refused(store):
    def source():
        yield {"x": 1}
        for call in (lambda: data.load([{"x": 2}], store=store), lambda: data.empty(store=store)):
            with pytest.raises(DatasetBusy):
                call()
        data.load([{"x": 3}], dataset="other", store=store)

    data.load(source(), store=store)
    assert everything(store) == [{"x": 1}]
    assert everything(store, "other") == [{"x": 3}]


def test_a_reader_never_sees_half_of_a_load(store):
    size = 300
    data.load([{"id": n, "round": 0} for n in range(size)], store=store)
    done = threading.Event()
    seen, wrong = [], []

    def read():
        while not done.is_set():
            found = [row["round"] for row in data.records(store=store)]
            totals = data.search("", where={"round.gte": "0"}, store=store).total
            seen.append(found[0])
            if len(found) != size or len(set(found)) != 1 or totals != size:
                wrong.append(found)

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(1, 15):
        data.load([{"id": n, "round": number} for n in range(size)], store=store)
    done.set()
    reader.join()
    assert not wrong
    assert seen == sorted(seen)


def test_many_small_loads_stay_few_segments(store):
    for n in range(300):
        data.load([{"id": n, "x": f"w{n % 7}"}], store=store)
    _, segments = store.redis.hmget(
        store.keys.generation("default", store.redis.hget(store.keys.datasets(), "default").decode()), "m", "s"
    )
    assert len(segments.split()) <= 24
    assert [row["id"] for row in data.records(store=store)] == list(range(300))
    assert data.search("w3", store=store).total == 43
    assert data.get(150, store=store) == {"id": 150, "x": "w3"}


def test_one_record_loaded_again_and_again_takes_no_more_room(store):
    data.load(rows(0, 50), store=store)
    for n in range(100):
        data.load([{"id": "same", "x": n}], store=store)
    assert data.records(store=store)[-1] == {"id": "same", "x": 99}
    assert len(data.records(store=store)) == 51
    name = store.redis.hget(store.keys.datasets(), "default").decode()
    assert len(store.redis.hget(store.keys.generation("default", name), "s").split()) == 2


def test_a_load_larger_than_one_segment_is_one_load(store):
    total = 70_000
    assert data.load(({"id": f"k{n}", "n": n} for n in range(total)), store=store)["total"] == total
    assert data.search("", where={"n": 69_999}, store=store).records == [{"id": "k69999", "n": 69_999}]
    assert data.get("k65536", store=store) == {"id": "k65536", "n": 65_536}
    again = data.load(({"id": f"k{n}", "n": -n} for n in range(0, total, 1000)), store=store)
    assert again == {"dataset": "default", "loaded": 70, "total": total}
    assert data.records(store=store)[-1] == {"id": "k69000", "n": -69_000}


def test_emptying_takes_everything_and_numbers_begin_anew(store):
    data.load([{"x": "a"}, {"x": "b"}], store=store)
    assert data.empty(store=store) == {"dataset": "default", "removed": 2}
    assert data.empty(store=store) == {"dataset": "default", "removed": 0}
    assert everything(store) == []
    assert data.datasets(store) == []
    data.load([{"x": "c"}], store=store)
    assert data.get(1, store=store) == {"x": "c"}


def test_the_data_sets_are_listed_with_their_fields(store):
    data.load([{"id": 1, "a": {"b": [1, 2.5]}, "c": None, "d": True}, {"id": "x", "e": "t"}], dataset="b", store=store)
    data.load([{"id": 1}], dataset="a", store=store)
    first, second = data.datasets(store)
    assert first == {"name": "a", "records": 1, "fields": [{"name": "id", "type": "integer"}]}
    assert (second["name"], second["records"]) == ("b", 2)
    types = {each["name"]: each["type"] for each in second["fields"]}
    assert types == {"id": "mixed", "a.b": "number", "c": "null", "d": "boolean", "e": "string"}


LOADER = """
import sys
from jobsapi import data

def source():
    for n in range(100_000_000):
        if n == 60_000:
            print("under way", flush=True)
        yield {"id": f"k{n}", "text": f"some words {n}"}

data.load(source())
"""


def test_a_load_that_was_killed_is_swept_and_blocks_nobody_longer_than_its_lease(environment):
    settings = Settings.from_environment(environment | {"JOBSAPI_LEASE": "1"})
    store = connect(settings)
    data.load(rows(0, 10), store=store)
    before = keys_of_sets(store)
    loader = subprocess.Popen(
        [sys.executable, "-c", LOADER], env=os.environ | environment | {"JOBSAPI_LEASE": "1"}, stdout=subprocess.PIPE
    )
    assert loader.stdout.readline() == b"under way\n"
    with pytest.raises(DatasetBusy):
        data.load(rows(10, 11), store=store)
    assert data.sweep(store) == 0
    loader.send_signal(signal.SIGKILL)
    loader.wait()
    assert len(keys_of_sets(store)) > len(before)
    store.now = store.time_ms() + 60_000
    assert data.sweep(store) == 1
    assert keys_of_sets(store) == before
    assert everything(store) == rows(0, 10)
    assert data.load(rows(10, 11), store=store)["total"] == 11
    store.close()


def test_a_load_whose_lock_another_took_is_refused_and_leaves_nothing(store):
    def source():
        yield from rows(0, 10)
        store.redis.delete(store.keys.load_lock("default"))  # as if the process had been stopped for long
        data.load(rows(20, 22), store=store)
        yield from rows(10, 20)

    with pytest.raises(DatasetBusy):
        data.load(source(), store=store)
    assert everything(store) == rows(20, 22)
    assert len([key for key in keys_of_sets(store) if key.startswith("ds:")]) == 1
    assert store.redis.zcard(store.keys.loads()) == 0


@pytest.fixture
def own_server(tmp_path_factory, pytestconfig):
    """Starts a server of this test's own, again in the same folder whenever it is called."""
    folder = tmp_path_factory.mktemp("s")
    running = []

    def start():
        command = [server_binary(pytestconfig), "--port", "0", "--unixsocket", str(folder / "s"), "--dir", str(folder)]
        running.append(subprocess.Popen([*command, "--appendonly", "yes"], stdout=subprocess.DEVNULL))
        store = connect_when_up(f"unix://{folder / 's'}")
        return store, running[-1]

    yield start
    for each in running:
        each.kill()
        each.wait()


def connect_when_up(url):
    settings = Settings.from_environment({"REDIS_URL": url})
    for _ in range(100):
        try:
            return connect(settings)
        except (StoreUnavailable, BusyLoadingError):
            time.sleep(0.05)
    return connect(settings)


def test_a_store_that_goes_away_in_mid_load_changes_nothing(own_server):
    store, server = own_server()
    data.load(rows(0, 10), store=store)

    def source():
        yield from rows(10, 2000)
        server.kill()
        server.wait()

    with pytest.raises(StoreUnavailable):
        data.load(source(), store=store)
    store.close()
    store, _ = own_server()
    assert everything(store) == rows(0, 10)
    store.redis.delete(store.keys.load_lock("default"))  # as when the lease has run out
    store.now = store.time_ms() + 60_000
    assert data.sweep(store) == 1
    store.now = None
    assert data.load(rows(10, 11), store=store)["total"] == 11
    assert len([key for key in keys_of_sets(store) if key.startswith("ds:")]) == 2
    store.close()


def test_a_load_takes_no_more_memory_the_larger_it_is(store):
    tracemalloc.start()
    loaded = data.load(({"n": n, "x": f"{n} {'x' * 900_000}"} for n in range(180)), store=store)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert loaded["total"] == 180
    assert peak < 40_000_000  # of 160 MB
    assert data.search("57", limit=1, store=store).total == 1


def test_a_whole_number_written_as_a_decimal_is_that_number_as_an_id(store):
    data.load([{"id": 3.0, "a": 1}], store=store)
    assert data.get(3, store=store) == {"id": 3.0, "a": 1}
    with pytest.raises(BadRow):
        data.load([{"id": 3.5}], store=store)
