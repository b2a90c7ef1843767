"""log: both ends of a long one are kept."""

import pytest

from jobsapi import jobs
from jobsapi.errors import NotHolder


def test_a_short_log_is_kept_whole(engine):
    jid = engine.submit()
    claim = engine.claim_one()
    for at, text in ((0, b"one\n"), (4, b"two\n")):
        jobs.append_log(engine.store, jid, claim.token, at, text)
    assert jobs.get_logs(jid, store=engine.store) == b"one\ntwo\n"


def test_of_a_long_log_the_head_and_the_tail_are_kept_and_the_gap_is_named(engine):
    jid = engine.submit()
    claim = engine.claim_one()
    for i in range(3000):
        jobs.append_log(engine.store, jid, claim.token, i * 1000, f"line {i:5} ".encode() + b"." * 988 + b"\n")
    log = jobs.get_logs(jid, store=engine.store)
    assert log.startswith(b"line     0")
    assert log.endswith(b"line  2999 " + b"." * 988 + b"\n")
    assert b"bytes left out" in log
    assert 1_000_000 < len(log) < 1_100_000


def test_a_stale_claim_cannot_write_to_the_log(engine):
    jid = engine.submit()
    engine.claim_one()
    with pytest.raises(NotHolder):
        jobs.append_log(engine.store, jid, "another", 0, b"x")


def test_what_is_sent_again_stands_in_the_log_once_and_what_is_new_of_it_is_added(engine):
    jid = engine.submit()
    claim = engine.claim_one()
    for at, text in ((0, b"one\n"), (0, b"one\n"), (0, b"one\ntwo\n"), (4, b"two\n"), (8, b"three\n")):
        jobs.append_log(engine.store, jid, claim.token, at, text)
    assert jobs.get_logs(jid, store=engine.store) == b"one\ntwo\nthree\n"


def test_each_run_of_a_job_counts_its_own_log_from_the_beginning(engine):
    jid = engine.submit()
    for text in (b"first\n", b"second\n"):
        claim = engine.claim_one()
        jobs.append_log(engine.store, jid, claim.token, 0, text)
        jobs.release_job(engine.store, jid, claim.token)
    assert jobs.get_logs(jid, store=engine.store) == b"first\nsecond\n"
