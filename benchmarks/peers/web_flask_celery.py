"""Flask in front of Celery."""

from flask import Flask, request
from use_celery import echo

app = Flask(__name__)


@app.post("/jobs")
def submit():
    sent = echo.delay(request.get_json()["n"])
    return {"id": sent.id, "status": "submitted"}, 202
