"""Who may ask: tokens where others reach the API, and no foreign web page on this machine."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest

from jobsapi.errors import SetupError
from jobsapi.store import Store
from jobsapi.web import access

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from flask.testing import FlaskClient

GOOD = b'{"task": "plot", "params": {"start": 1, "end": 2}}'


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def with_settings(store: Store, **changes: Any) -> Store:
    return Store(store.redis, dataclasses.replace(store.settings, **changes), store.url)


# --- On a loopback address ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:5000",
        "LocalHost:5000",
        "127.0.0.1",
        "127.0.0.1:5000",
        "[::1]",
        "[::1]:5000",
        "localhost:",
    ],
)
def test_this_machines_own_names_are_answered(http: FlaskClient, host: str) -> None:
    assert http.get("/jobs", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "evil.example:5000", "localhost.evil.example", "127.0.0.1.nip.io", "10.0.0.1:5000"),
        *("0.0.0.0:5000", "[::2]:5000", "[::1", "::1", "", " ", ":5000", "local host", "localhost.", "127.1", "\xff"),
        "evil.example@",
    ],
)
def test_a_foreign_host_is_refused(http: FlaskClient, refused: Any, host: str) -> None:
    for answer in (
        http.get("/jobs", headers={"Host": host}),
        http.post("/jobs", data=GOOD, headers={"Host": host}),
        http.get("/nowhere", headers={"Host": host}),
    ):
        assert "JOBSAPI_ALLOWED_HOSTS" in refused(answer, 403, "forbidden")["detail"]


def test_a_missing_host_is_refused(http: FlaskClient, refused: Any) -> None:
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/jobs", "SERVER_NAME": "localhost", "SERVER_PORT": "5000"}
    refused(http.open("/jobs", environ_overrides={"HTTP_HOST": ""} | environ), 403, "forbidden")


@pytest.mark.parametrize("origin", ["http://localhost:5000", "HTTP://LOCALHOST:5000", "https://localhost:5000"])
def test_the_apis_own_pages_may_use_it(http: FlaskClient, origin: str) -> None:
    headers = {"Host": "localhost:5000", "Origin": origin, "Sec-Fetch-Site": "same-origin"}
    assert http.post("/jobs", data=GOOD, headers=headers).status_code == 202


@pytest.mark.parametrize(
    "origin",
    [
        *("http://evil.example", "https://localhost:3000", "http://localhost", "http://127.0.0.1:5000", "null", ""),
        *("http://[::1]:5000", "http://[", "http://]", "http://[::1", "file://", "localhost:5000", "http://", "\xff"),
        *("http://localhost:5000.evil.example", "http://evil.example/localhost:5000", "chrome-extension://abc"),
        "http://localhost:5000 http://evil.example",
    ],
)
def test_a_page_of_another_origin_is_refused(http: FlaskClient, refused: Any, origin: str) -> None:
    for kind in ("application/json", "text/plain", "application/x-www-form-urlencoded"):
        headers = {"Host": "localhost:5000", "Origin": origin, "Content-Type": kind}
        refused(http.post("/jobs", data=GOOD, headers=headers), 403, "forbidden")
    headers = {"Host": "localhost:5000", "Origin": origin}
    answer = http.options("/jobs", headers=headers | {"Access-Control-Request-Method": "POST"})
    refused(answer, 403, "forbidden")
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize(
    ("site", "status"), [("none", 200), ("same-origin", 200), ("same-site", 403), ("cross-site", 403)]
)
def test_the_browsers_word_on_where_a_request_comes_from_is_heard(http: FlaskClient, site: str, status: int) -> None:
    for address in ("/jobs", "/healthz", "/docs"):
        assert http.get(address, headers={"Sec-Fetch-Site": site}).status_code == status


def test_allowed_hosts_are_answered_and_their_pages_may_use_the_api(make_app: Callable[..., Flask]) -> None:
    http = make_app(allowed_hosts="jobs.example.org, Other.Example").test_client()
    for host in ("jobs.example.org", "JOBS.example.org:8080", "other.example", "localhost:5000"):
        assert http.get("/jobs", headers={"Host": host}).status_code == 200
        headers = {"Host": host, "Origin": "https://jobs.example.org"}
        assert http.get("/jobs", headers=headers).status_code == 200
    assert http.get("/jobs", headers={"Host": "example.org"}).status_code == 403


def test_a_page_of_this_machine_on_another_port_stays_foreign_where_its_name_is_allowed(
    make_app: Callable[..., Flask],
) -> None:
    for settings in ({}, {"host": "0.0.0.0", "auth": "off"}):
        http = make_app(allowed_hosts="localhost,127.0.0.1", **settings).test_client()
        assert http.get("/jobs", headers={"Host": "localhost:5000"}).status_code == 200
        headers = {"Host": "localhost:5000", "Origin": "http://localhost:3000"}
        assert http.post("/jobs", data=GOOD, headers=headers).status_code == 403


def test_another_loopback_address_is_answered_by_its_own_name(make_app: Callable[..., Flask]) -> None:
    http = make_app(host="127.0.0.2").test_client()
    headers = {"Host": "127.0.0.2:5000"}
    assert http.get("/jobs", headers=headers).status_code == 200
    assert http.get("/jobs", headers=headers | {"Origin": "http://127.0.0.2:5000"}).status_code == 200
    assert http.get("/jobs", headers=headers | {"Origin": "http://127.0.0.2:3000"}).status_code == 403


def test_without_tokens_only_the_allowed_hosts_are_answered(make_app: Callable[..., Flask]) -> None:
    http = make_app(host="0.0.0.0", auth="off", allowed_hosts="jobs.example.org").test_client()
    assert http.get("/jobs", headers={"Host": "jobs.example.org"}).status_code == 200
    assert http.get("/jobs", headers={"Host": "localhost"}).status_code == 403


# --- On an address that others reach --------------------------------------------------------------------------------


@pytest.fixture
def public(make_app: Callable[..., Flask]) -> FlaskClient:
    """A client of the API as it is on all of the machine's addresses."""
    return make_app(host="0.0.0.0").test_client()


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "Bearer wrong", "Basic dXNlcjpwYXNz", "bearer\tx", "Bearer \xff", "x" * 10_000],
)
def test_without_a_good_token_nothing_is_answered(public: FlaskClient, refused: Any, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    for answer in (
        public.get("/jobs", headers=headers),
        public.post("/jobs", data=GOOD, headers=headers),
        public.get("/", headers=headers),
        public.get("/docs", headers=headers),
        public.get("/metrics", headers=headers),
        public.get("/nowhere", headers=headers),
        public.options("/jobs", headers=headers),
    ):
        refused(answer, 401, "unauthorized")
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_good_token_passes_whatever_the_host_is_called(store: Store, public: FlaskClient) -> None:
    token = access.create_token(store, "laptop")
    for scheme in ("Bearer", "bearer", "BEARER"):
        headers = {"Authorization": f"{scheme} {token}", "Host": "jobs.example.org", "Origin": "https://a.example"}
        assert public.post("/jobs", data=GOOD, headers=headers).status_code == 202


def test_a_token_in_the_address_is_no_token(store: Store, public: FlaskClient) -> None:
    token = access.create_token(store)
    assert public.get(f"/jobs?token={token}").status_code == 401


def test_health_is_told_to_anybody(public: FlaskClient) -> None:
    assert public.get("/healthz").status_code == 200
    assert public.get("/readyz").status_code == 200
    assert public.get("/healthz/").status_code == 401
    assert public.get("//healthz").status_code in (308, 401)


def test_a_token_made_later_is_known_at_once_and_a_revoked_one_is_forgotten_within_seconds(
    store: Store, public: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = access.create_token(store, "first"), access.create_token(store, "second")
    assert public.get("/jobs", headers=bearer(first)).status_code == 200
    third = access.create_token(store, "third")
    assert public.get("/jobs", headers=bearer(third)).status_code == 200
    assert access.revoke_token(store, "first") == 1
    monkeypatch.setattr(access, "_REMEMBERED_SECONDS", 0.0)  # as if those few seconds had passed
    assert public.get("/jobs", headers=bearer(first)).status_code == 401
    assert public.get("/jobs", headers=bearer(second)).status_code == 200
    assert access._REMEMBERED_SECONDS < 10


def test_tokens_are_listed_without_themselves_and_revoked_by_name_or_id(store: Store) -> None:
    tokens = [access.create_token(store, name) for name in ("a", "b", "b")]
    listed = access.list_tokens(store)
    assert sorted(each["name"] for each in listed) == ["a", "b", "b"]
    assert not [token for token in tokens if token in str(listed)]
    assert len(set(tokens)) == 3
    by_id = next(each["id"] for each in listed if each["name"] == "a")
    assert access.revoke_token(store, by_id) == 1
    assert access.revoke_token(store, "b") == 2
    assert access.revoke_token(store, "b") == 0
    assert access.list_tokens(store) == []


def test_the_store_keeps_no_token(store: Store) -> None:
    token = access.create_token(store, "a")
    kept = repr(store.redis.hgetall(store.keys.tokens()))
    assert token not in kept
    assert token.removeprefix("ja_") not in kept


# --- At the start ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.1.2.3", "example.org", "", "*"])
def test_a_start_for_others_without_tokens_is_refused_with_the_ways_out(store: Store, host: str) -> None:
    open_to_all = with_settings(store, host=host)
    with pytest.raises(SetupError) as refusal:
        access.refuse_open_start(open_to_all.settings, store)
    for way in ("jobsapi token create", "127.0.0.1", "JOBSAPI_AUTH=off", "JOBSAPI_ALLOWED_HOSTS"):
        assert way in str(refusal.value)
    access.create_token(store)
    access.refuse_open_start(open_to_all.settings, store)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.9.9.9"])
def test_a_start_on_a_loopback_address_needs_no_token(store: Store, host: str) -> None:
    access.refuse_open_start(with_settings(store, host=host).settings, store)


def test_a_start_with_authentication_off_needs_the_allowed_hosts(store: Store) -> None:
    with pytest.raises(SetupError, match="JOBSAPI_ALLOWED_HOSTS"):
        access.refuse_open_start(with_settings(store, host="0.0.0.0", auth="off").settings, store)
    named = with_settings(store, host="0.0.0.0", auth="off", allowed_hosts="jobs.example.org")
    access.refuse_open_start(named.settings, store)
