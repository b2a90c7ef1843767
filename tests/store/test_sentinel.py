"""The address of Sentinels: hosts, service, database, and who may ask what."""

from __future__ import annotations

import pytest

from jobsapi.errors import SetupError
from jobsapi.settings import Settings
from jobsapi.store import client_for, connect


def sentinels(client) -> list[tuple[str, int, dict]]:
    return [
        (kwargs["host"], kwargs["port"], kwargs)
        for each in client.connection_pool.sentinel_manager.sentinels
        for kwargs in [each.connection_pool.connection_kwargs]
    ]


def test_hosts_have_ports_or_the_usual_one_and_the_service_and_the_database_are_named():
    client = client_for("redis+sentinel://a:26380,b,[::1]:5/primary/3")
    assert [each[:2] for each in sentinels(client)] == [("a", 26380), ("b", 26379), ("::1", 5)]
    assert client.connection_pool.service_name == "primary"
    assert client.connection_pool.connection_kwargs["db"] == 3


def test_the_engine_has_a_database_of_its_own_where_none_is_named():
    client = client_for("redis+sentinel://a")
    assert client.connection_pool.service_name == "mymaster"
    assert client.connection_pool.connection_kwargs["db"] == 1


def test_a_password_is_the_servers_and_the_sentinels_have_one_of_their_own():
    client = client_for("redis+sentinel://me:p%40ss@a,b/x?sentinel_password=other")
    how = client.connection_pool.connection_kwargs
    assert (how["username"], how["password"]) == ("me", "p@ss")
    assert [(host, kwargs["password"], kwargs.get("username")) for host, _, kwargs in sentinels(client)] == [
        ("a", "other", None),
        ("b", "other", None),
    ]


@pytest.mark.parametrize("url", ["redis+sentinel://a:port/x", "redis+sentinel://a/x/one"])
def test_an_address_that_cannot_be_used_is_told_so(url):
    with pytest.raises(SetupError, match="address cannot be used"):
        connect(Settings.from_environment({"REDIS_URL": url}))


def test_a_number_of_replicas_below_none_is_refused():
    with pytest.raises(SetupError, match="JOBSAPI_REPLICAS"):
        Settings.from_environment({"JOBSAPI_REPLICAS": "-1"})
