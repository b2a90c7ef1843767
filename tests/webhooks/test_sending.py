"""What a receiver gets, and what the job tells of it: one try after the other, by a clock of the test's own."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from jobsapi import jobs, webhooks
from jobsapi.api import create_app
from jobsapi.audit import audit
from jobsapi.webhooks import PAUSES, send, take_webhooks
from tests.webhooks.conftest import SECRET


def send_due(ended) -> int:
    taken = take_webhooks(ended.store, 10)
    for due in taken:
        send(ended.store, due)
    return len(taken)


def test_the_job_is_posted_as_get_shows_it_signed_as_standard_webhooks_say(ended, receiver):
    ended.store.now = None
    jid = ended.job(receiver.url, tags=["x"])
    assert ended.told(jid) == {"url": receiver.url, "status": "pending", "tries": 0, "last_error": None}
    assert send_due(ended) == 1
    [(path, headers, body)] = receiver.came
    assert path == "/hook"
    assert headers["content-type"] == "application/json"
    assert headers["webhook-id"] == f"{jid}-1"
    shown = dict(jobs.get_job_by_id(jid, store=ended.store))
    assert shown.pop("webhook") == {"url": receiver.url, "status": "delivered", "tries": 1, "last_error": None}
    assert Webhook(SECRET).verify(body, headers) == shown
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body + b" ", headers)
    assert send_due(ended) == 0
    assert audit(ended.store) == []


def test_two_secrets_sign_while_receivers_change_from_one_to_the_other(ended, receiver):
    ended.store.now = None
    other = SECRET.replace("whsec_YW", "whsec_ZW")
    ended.set(webhook_secret=f"{SECRET}, {other}")
    ended.job(receiver.url)
    send_due(ended)
    for secret in (SECRET, other):
        Webhook(secret).verify(receiver.came[0][2], receiver.came[0][1])


def test_without_a_secret_it_is_not_signed(ended, receiver):
    ended.set(webhook_secret="")
    ended.job(receiver.url)
    send_due(ended)
    assert "webhook-signature" not in receiver.came[0][1]
    assert receiver.came[0][1]["webhook-timestamp"] == "1700000000"


def test_a_receiver_that_answers_500_gets_it_again_under_the_same_id(ended, receiver):
    receiver.answers = [500, 302]
    jid = ended.job(receiver.url)
    assert send_due(ended) == 1
    assert ended.told(jid)["last_error"] == "It answered 500."
    assert send_due(ended) == 0, "not at once"
    ended.store.now += 5_500
    assert send_due(ended) == 1
    assert ended.told(jid)["last_error"] == "It answered 302, and redirects are not followed."
    ended.store.now += 33_000
    assert send_due(ended) == 1
    assert ended.told(jid) == {"url": receiver.url, "status": "delivered", "tries": 3, "last_error": None}
    assert {headers["webhook-id"] for _, headers, _ in receiver.came} == {f"{jid}-1"}
    assert {path for path, _, _ in receiver.came} == {"/hook"}


def test_after_ten_tries_over_most_of_a_day_it_is_given_up_and_the_job_says_so(ended, receiver):
    receiver.answers = [503] * 20
    jid = ended.job(receiver.url)
    begin = ended.store.now
    for pause in (0, *PAUSES):
        ended.store.now += round(1100 * pause)
        assert send_due(ended) == 1
    assert 12 < (ended.store.now - begin) / 3_600_000 < 30
    assert ended.told(jid) == {
        "url": receiver.url,
        "status": "given up",
        "tries": 10,
        "last_error": "It answered 503.",
    }
    ended.store.now += 10**9
    assert send_due(ended) == 0
    assert audit(ended.store) == []


def test_a_receiver_that_says_gone_is_asked_no_more(ended, receiver):
    receiver.answers = [410]
    jid = ended.job(receiver.url)
    send_due(ended)
    assert (ended.told(jid)["status"], ended.told(jid)["last_error"]) == ("given up", "It answered 410.")


def test_metrics_count_those_that_wait_and_those_that_are_done_with(ended, receiver):
    http = create_app(ended.store.settings, store=ended.store).test_client()

    def counted() -> list[str]:
        kinds = ("waiting", 'total{outcome="delivered"}', 'total{outcome="given-up"}')
        lines = http.get("/metrics").text.splitlines()
        starts = [f"jobsapi_webhooks_{kind} " for kind in kinds]
        return [line.removeprefix(start) for start in starts for line in lines if line.startswith(start)]

    assert counted() == ["0.0", "0.0", "0.0"]
    receiver.answers = [410, 503, 200]
    for _ in range(3):
        ended.job(receiver.url)
    assert counted() == ["3.0", "0.0", "0.0"]
    send_due(ended)
    assert counted() == ["1.0", "1.0", "1.0"]  # the one that was answered 503 waits for its next try
    for _ in range(9):
        ended.store.now += 12 * 3_600_000
        assert len(take_webhooks(ended.store, 10)) == 1
    ended.store.now += 60_000
    assert take_webhooks(ended.store, 10) == []  # each of its senders died
    assert counted() == ["0.0", "1.0", "2.0"]


def test_two_senders_do_not_send_it_at_the_same_moment_and_one_that_died_is_followed(ended, receiver):
    jid = ended.job(receiver.url)
    [dead] = take_webhooks(ended.store, 10)  # and nothing comes after it: the sender was killed
    assert take_webhooks(ended.store, 10) == []
    ended.store.now += 60_000
    [second] = take_webhooks(ended.store, 10)
    assert (second.message, second.tries) == (dead.message, 2)
    send(ended.store, second)
    assert ended.told(jid)["status"] == "delivered"
    ended.store.redis.zadd(ended.store.keys.webhooks(), {jid: 5})
    send(ended.store, dead)  # it was stopped only, and goes on: its word counts no more
    assert ended.store.redis.zscore(ended.store.keys.webhooks(), jid) == 5


def test_what_ends_each_of_its_senders_is_given_up(ended, receiver):
    jid = ended.job(receiver.url)
    for _ in range(10):
        assert len(take_webhooks(ended.store, 10)) == 1
        ended.store.now += 60_000
    assert take_webhooks(ended.store, 10) == []
    assert (ended.told(jid)["status"], receiver.came) == ("given up", [])


def test_a_retried_job_tells_its_next_end_under_another_id(ended, receiver):
    receiver.answers = [500]
    jid = ended.job(receiver.url)
    send_due(ended)
    ended.store.now += 6_000
    [late] = take_webhooks(ended.store, 10)
    jobs.retry_job(jid, store=ended.store)
    assert ended.told(jid) == {"url": receiver.url, "status": "pending", "tries": 0, "last_error": None}
    send(ended.store, late)
    assert len(receiver.came) == 1, "the end that it would tell of is over"
    jobs.cancel_job(jid, store=ended.store)
    assert send_due(ended) == 1
    assert [headers["webhook-id"] for _, headers, _ in receiver.came] == [f"{jid}-1", f"{jid}-2"]


def test_a_job_that_was_removed_has_nothing_to_tell(ended, receiver):
    jid = ended.job(receiver.url)
    [late] = take_webhooks(ended.store, 1)
    jobs.remove_job(jid, store=ended.store)
    send(ended.store, late)
    assert receiver.came == []
    assert not ended.store.redis.exists(ended.store.keys.webhooks())


def test_every_end_is_told_that_of_a_job_which_could_not_run_too(ended, receiver):
    failed = ended.job(receiver.url)
    made = jobs.add_jobs(
        [
            {"task": "work", "after": [failed], "webhook": receiver.url},
            {"task": "work", "expires_in": 1, "webhook": receiver.url},
            {"task": "work", "delay": 60, "webhook": receiver.url},
        ],
        store=ended.store,
    )
    ended.store.now += 1_000
    jobs.expire_jobs(ended.store)
    jobs.cancel_job(made[2].id, store=ended.store)
    assert send_due(ended) == 4
    assert {job["reason"] for job in receiver.jobs()} == {"cancelled", "dependency", "expired"}


def test_each_job_of_a_large_submit_has_its_own(ended, receiver):
    parent = ended.job(receiver.url)
    jobs.add_jobs([{"task": "work", "after": [parent], "webhook": receiver.url}] * 120, store=ended.store)
    while send_due(ended):
        pass
    assert len({headers["webhook-id"] for _, headers, _ in receiver.came}) == 121


# --- What can go wrong on the way -----------------------------------------------------------------------------------


def test_nobody_listens(ended):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    jid = ended.job(f"http://127.0.0.1:{port}/")
    send_due(ended)
    assert "Connection refused" in ended.told(jid)["last_error"]


def test_a_name_that_no_host_can_have(ended):
    ended.set(webhook_hosts="*")
    jid = ended.job(f"http://{'a' * 64}.example/")
    send_due(ended)
    assert "is no host's name" in ended.told(jid)["last_error"]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_one_that_answers_word_by_word_is_left_after_a_while(ended, scheme, monkeypatch):
    monkeypatch.setattr(webhooks, "_TIMEOUT", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with connection:
                for _ in range(10_000):
                    try:
                        connection.sendall(b"H" if scheme == "http" else b"\x16\x03\x03\x40\x00" + bytes(100))
                    except OSError:
                        return

        threading.Thread(target=drip, daemon=True).start()
        jid = ended.job(f"{scheme}://127.0.0.1:{server.getsockname()[1]}/")
        send_due(ended)
    assert ended.told(jid)["last_error"]
    assert ended.told(jid)["status"] == "pending"


def test_one_that_never_answers_is_told_so(ended, receiver, monkeypatch):
    monkeypatch.setattr(webhooks, "_TIMEOUT", 0.3)
    receiver.may_answer.clear()
    jid = ended.job(receiver.url)
    send_due(ended)
    assert ended.told(jid)["last_error"] == "It did not answer within 0.3 s."


@pytest.fixture
def certificate(tmp_path):
    if not shutil.which("openssl"):
        pytest.skip("there is no openssl")
    words = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    command = ["openssl", *words.split(), "-keyout", tmp_path / "key", "-out", tmp_path / "cert"]
    subprocess.run(command, check=True, capture_output=True)
    return tmp_path


def test_https_goes_to_receivers_whose_certificate_is_right_alone(ended, certificate, monkeypatch):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert", certificate / "key")
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            for _ in range(3):
                try:
                    with context.wrap_socket(server.accept()[0], server_side=True) as connection:
                        while not connection.recv(100_000).endswith(b"}"):  # the head, then the body
                            pass
                        connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
                except OSError:
                    continue

        threading.Thread(target=answer, daemon=True).start()
        port = server.getsockname()[1]
        unknown = ended.job(f"https://localhost:{port}/")
        send_due(ended)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "cert"))
        other_name = ended.job(f"https://127.0.0.1:{port}/")
        send_due(ended)
        right = ended.job(f"https://localhost:{port}/")
        send_due(ended)
    assert "certificate verify failed" in ended.told(unknown)["last_error"]
    assert "certificate verify failed" in ended.told(other_name)["last_error"]
    assert ended.told(right)["status"] == "delivered"
