"""Where webhooks may go: refused when the job is sent where the URL tells it, else when the name is looked up."""

from __future__ import annotations

import pytest

from jobsapi import jobs
from jobsapi.errors import Invalid, SetupError
from jobsapi.outbound import NotAllowed, addresses
from jobsapi.settings import Settings
from jobsapi.webhooks import send, take_webhooks


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/",
        "example.org/hook",
        "http://",
        "http:///path",
        "http://user:word@example.org/",
        "http://example.org\\@127.0.0.1/",
        "http://exa mple.org/",
        "http://example.org/\nHost: other",
        "http://example.org:99999/",
        "http://[::1/",
        "http://bücher.example/",
        "https://example.org/" + "a" * 2000,
        7,
    ],
)
def test_what_is_no_url_of_http_is_refused_by_name(ended, url):
    with pytest.raises(Invalid) as refusal:
        jobs.add_job("work", {}, webhook=url, store=ended.store)
    assert [fault.pointer for fault in refusal.value.errors] == ["/webhook"]


PRIVATE = [
    "http://localhost/",
    "http://hook.localhost:8000/",
    "http://LOCALHOST./",
    "http://127.0.0.1/",
    "http://10.1.2.3/",
    "http://192.168.0.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://100.64.0.1/",
    "http://0.0.0.0/",
    "http://224.0.0.1/",
    "http://[::1]/",
    "http://[fe80::1]/",
    "http://[fd00::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[2002:7f00:1::]/",
]


@pytest.mark.parametrize("url", PRIVATE)
def test_by_default_only_public_hosts_may_be_named(ended, url):
    ended.set(webhook_hosts="public")
    with pytest.raises(Invalid, match="not public; JOBSAPI_WEBHOOK_HOSTS may list it"):
        jobs.add_job("work", {}, webhook=url, store=ended.store)
    with pytest.raises(NotAllowed):
        addresses(ended.store.settings, url)


@pytest.mark.parametrize("url", ["http://2130706433/", "http://0x7f.1/", "http://127.1/"])
def test_other_spellings_of_private_addresses_are_stopped_before_anything_is_sent(ended, url):
    ended.set(webhook_hosts="public")
    jid = ended.job(url)
    [due] = take_webhooks(ended.store, 1)
    send(ended.store, due)
    assert "has no public address; JOBSAPI_WEBHOOK_HOSTS may list it" in ended.told(jid)["last_error"]


@pytest.mark.parametrize(
    ("hosts", "allowed", "refused"),
    [
        ("hooks.example.org", ["https://hooks.example.org/a"], ["https://example.org/", "http://8.8.8.8/"]),
        ("*.example.org", ["https://a.example.org/", "https://a.b.example.org"], ["https://example.org/"]),
        (
            "public, 10.0.0.7",
            ["http://8.8.8.8/", "http://10.0.0.7:8000/", "http://[2606:4700::1]/"],
            ["http://10.0.0.8/"],
        ),
        ("[::1]", ["http://[::1]:8000/"], ["http://127.0.0.1/"]),
        ("*", ["http://127.0.0.1/", "http://anything/"], []),
        ("off", [], ["https://example.org/", "http://127.0.0.1/"]),
    ],
)
def test_the_setting_lists_hosts(ended, hosts, allowed, refused):
    ended.set(webhook_hosts=hosts)
    for url in allowed:
        jobs.add_job("work", {}, webhook=url, store=ended.store)
    for url in refused:
        with pytest.raises(Invalid, match="JOBSAPI_WEBHOOK_HOSTS"):
            jobs.add_job("work", {}, webhook=url, store=ended.store)


def test_a_worker_whose_settings_do_not_list_the_host_sends_nothing(ended, receiver):
    jid = ended.job(receiver.url)
    ended.set(webhook_hosts="hooks.example.org")
    [due] = take_webhooks(ended.store, 1)
    send(ended.store, due)
    assert receiver.came == []
    assert "JOBSAPI_WEBHOOK_HOSTS does not list" in ended.told(jid)["last_error"]


@pytest.mark.parametrize("secret", ["secret", "whsec_c2hvcnQ=", "whsec_????", "whsec_" + "QUJD" * 40])
def test_a_secret_that_is_none_is_refused_at_the_start_and_not_shown(secret):
    with pytest.raises(SetupError, match="JOBSAPI_WEBHOOK_SECRET") as refusal:
        Settings(webhook_secret=secret)
    assert secret not in str(refusal.value)
