"""The tasks of the tests in containers, mounted the way a user's own file is: `APP_DIR`, `APP`."""

import os
import subprocess
import time

from jobsapi import current_job, task


@task
def nap(seconds: float) -> dict[str, int]:
    """Sleeps in small steps, with a grandchild left behind that nobody waits for; tells the user it ran as."""
    subprocess.Popen(["sh", "-c", "sleep 0.2 & exec sleep 0.1"])
    job = current_job()
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        job.progress(1 - left / seconds, "sleeping")
        time.sleep(min(left, 0.1))
    return {"uid": os.getuid()}
