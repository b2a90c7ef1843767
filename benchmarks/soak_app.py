"""The tasks of the soak: small and large results, output, progress, failures and second attempts."""

from jobsapi import current_job, task


@task
def small(n: int) -> int:
    """The least there can be."""
    return n


@task
def chatty(n: int) -> str:
    """Writes, and tells how far it is."""
    print("a line of some length, as programs write them " * 40)
    current_job().progress(0.5, "half")
    return f"{n}"


@task
def large(n: int) -> list[int]:
    """A result that does not stay in the record."""
    return list(range(n, n + 30_000))


@task(max_attempts=2, backoff=0.1)
def failing(n: int) -> int:
    """Fails once, or twice where `n` is even."""
    if current_job().attempt == 1 or n % 2 == 0:
        raise ValueError(f"this is how {n} ends")
    return n
