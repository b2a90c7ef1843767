"""A Flask application of your own with the jobs routes below /api: `flask --app app run`, and a worker beside it.

$ flask --app app run
$ jobsapi worker app.py
$ curl localhost:5000/api/jobs -d '{"number": 97}'
"""

from flask import Flask

from jobsapi import task
from jobsapi.api import blueprint

app = Flask(__name__)
app.register_blueprint(blueprint(), url_prefix="/api")


@app.get("/")
def home() -> str:
    return "The jobs are at /api/jobs."


@task(default=True)
def is_prime(number: int) -> bool:
    """Whether a number is prime."""
    return number > 1 and all(number % each for each in range(2, int(number**0.5) + 1))
