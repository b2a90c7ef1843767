"""`python -m jobsapi` is the command `jobsapi`."""

from jobsapi.cli import main

main()
