import json
import os

from flask import Flask, jsonify, request
from jobs import add_job, get_job_by_id, jdb, rd

from jobsapi.errors import JobsApiError

app = Flask(__name__)


@app.errorhandler(JobsApiError)
def refuse(problem):
    """An id that no job has: 404; a store that does not answer: 503; and so on."""
    return jsonify({"error": problem.detail}), problem.http_status


@app.route("/data", methods=["POST"])
def load_data():
    """Objects with an `id` each, as a JSON list."""
    objects = request.get_json()
    if not (isinstance(objects, list) and all(isinstance(each, dict) and "id" in each for each in objects)):
        return jsonify({"error": "send a JSON list of objects with an id each"}), 400
    for each in objects:
        rd.hset("data", str(each["id"]), json.dumps(each))
    return jsonify({"loaded": len(objects)}), 201


@app.route("/data", methods=["GET"])
def list_data():
    """All objects, or those in which the word of `?search=` occurs."""
    word = request.args.get("search", "").lower()
    found = [text for text in rd.hvals("data") if word in text.decode().lower()]
    return jsonify([json.loads(text) for text in found])


@app.route("/data/<oid>", methods=["GET"])
def get_data(oid):
    text = rd.hget("data", oid)
    if text is None:
        return jsonify({"error": f"no object has the id {oid}"}), 404
    return jsonify(json.loads(text))


@app.route("/jobs", methods=["POST"])
def create_job():
    body = request.get_json()
    if not (isinstance(body, dict) and isinstance(body.get("start"), int) and isinstance(body.get("end"), int)):
        return jsonify({"error": 'send {"start": <number>, "end": <number>}'}), 400
    return jsonify(add_job(body["start"], body["end"])), 202


@app.route("/jobs", methods=["GET"])
def list_jobs():
    ids = jdb.keys()
    return jsonify([json.loads(job) for job in map(jdb.get, ids) if job])


@app.route("/jobs/<jid>", methods=["GET"])
def get_job(jid):
    return jsonify(get_job_by_id(jid))


@app.route("/jobs/<jid>/results", methods=["GET"])
def get_results(jid):
    job = get_job_by_id(jid)
    if job["status"] != "complete":
        return jsonify({"error": f"the job is {job['status']}"}), 404
    total = rd.hget("results", jid)
    return jsonify({"id": jid, "result": json.loads(total) if total else None})


if __name__ == "__main__":
    app.run(host=os.environ.get("API_HOST", "127.0.0.1"), port=int(os.environ.get("API_PORT", "5000")))
