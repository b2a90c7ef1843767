"""jobsapi: one Python function, one command, and it is a job behind an HTTP API."""
