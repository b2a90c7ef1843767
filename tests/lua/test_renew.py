"""renew: a lease goes on as long as its holder says so."""

from jobsapi import jobs


def test_a_renewal_moves_the_lease_and_tells_of_a_cancel(engine):
    jid = engine.submit()
    claim = engine.claim_one()
    engine.store.now += 5_000
    assert jobs.renew_jobs(engine.store, [(jid, claim.token)], 10) == {jid: False}
    assert engine.store.redis.zscore(engine.store.keys.leases(), jid) == 1_015_000
    jobs.cancel_job(jid, store=engine.store)
    assert jobs.renew_jobs(engine.store, [(jid, claim.token)], 10) == {jid: True}


def test_a_renewal_revives_a_lease_that_ran_out_and_was_not_taken(engine):
    jid = engine.submit()
    claim = engine.claim_one()
    engine.store.now += 60_000
    assert jobs.renew_jobs(engine.store, [(jid, claim.token)], 10) == {jid: False}
    assert not jobs.lose_job(engine.store, jid, "", "late")


def test_only_the_holder_renews(engine):
    jid = engine.submit()
    engine.claim_one()
    assert jobs.renew_jobs(engine.store, [(jid, "another"), ("00" + "z" * 18, "x")], 10) == {
        jid: None,
        "00" + "z" * 18: None,
    }
