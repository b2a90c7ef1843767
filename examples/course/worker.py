import os
import time

from jobs import get_job_by_id, q, rd, update_job_status

SECONDS = float(os.environ.get("WORK_SECONDS", "15"))


@q.worker
def execute_job(jid):
    update_job_status(jid, "in progress")
    job = get_job_by_id(jid)
    time.sleep(SECONDS)
    total = sum(range(int(job["start"]), int(job["end"]) + 1))
    rd.hset("results", jid, total)
    update_job_status(jid, "complete")


if __name__ == "__main__":
    execute_job()
