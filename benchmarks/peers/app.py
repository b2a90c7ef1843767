"""The app that jobsapi's workers run."""

from jobsapi import task


@task
def echo(n: int) -> int:
    """The task whose jobs are moved about."""
    return n
