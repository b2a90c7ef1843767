"""Loading with curl from a real server: every way in which people send a file."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CSV = b"id,name,mass (g)\n1,Aachen,21\n2,Abee,\n"
RECORDS = [{"id": 1, "name": "Aachen", "mass (g)": 21}, {"id": 2, "name": "Abee", "mass (g)": None}]
DOCUMENT = {"type": "FeatureCollection", "bbox": [1, 2], "features": RECORDS}
SERVE = (
    "from jobsapi.server import run_api; from jobsapi.settings import Settings; run_api(Settings.from_environment())"
)

needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl on this machine")
pytestmark = needs_curl


class Server:
    """A real server, on a port of its own."""

    def __init__(self, port: int, folder: Path) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._folder = folder

    def curl(self, *words: str, path: str = "/data", stdin: bytes | None = None) -> tuple[int, Any]:
        """The status and the JSON of the reply."""
        command = ["curl", "-sS", "-w", "\n%{http_code}", *words, self.url + path]
        done = subprocess.run(command, cwd=self._folder, input=stdin, capture_output=True, check=True, timeout=60)
        body, _, status = done.stdout.decode().rpartition("\n")
        return int(status), json.loads(body)

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.url + path, timeout=30) as answer:
            return json.load(answer)


@pytest.fixture
def server(environment: dict[str, str], store: object, tmp_path: Path) -> Iterator[Server]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    variables = {**os.environ, **environment, "JOBSAPI_PORT": str(port), "JOBSAPI_API_THREADS": "4"}
    process = subprocess.Popen([sys.executable, "-c", SERVE], env=variables, cwd=tmp_path, start_new_session=True)
    try:
        for _ in range(500):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None
            time.sleep(0.02)
        yield Server(port, tmp_path)
    finally:
        process.terminate()
        process.wait(20)


def test_a_file_is_loaded_however_curl_sends_it(server: Server, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(json.dumps(RECORDS))
    (tmp_path / "x.geojson").write_text(json.dumps(DOCUMENT, indent=1))
    (tmp_path / "x.jsonl").write_text("".join(json.dumps(each) + "\n" for each in RECORDS))
    (tmp_path / "x.csv").write_bytes(CSV)
    (tmp_path / "x.csv.gz").write_bytes(gzip.compress(CSV))
    names = ["x.json", "x.geojson", "x.jsonl", "x.csv", "x.csv.gz"]
    ways = [way for name in names for way in (["--data-binary", f"@{name}"], ["-F", f"file=@{name}"])]
    ways += [["-X", "POST", "-T", name] for name in names]
    ways += [
        ["--data-binary", "@x.csv.gz", "-H", "Content-Encoding: gzip", "-H", "Content-Type: text/csv"],
        ["--data-binary", "@x.csv", "-H", "Transfer-Encoding: chunked"],
        ["-F", "file=@x.csv", "-H", "Transfer-Encoding: chunked"],
        ["--data-binary", "@x.csv", "-H", "Expect: 100-continue"],
    ]
    for way in ways:
        assert server.curl(*way) == (201, {"dataset": "default", "loaded": 2, "total": 2}), way
        assert server.curl("-X", "DELETE")[1]["removed"] == 2
    assert server.curl("-X", "POST", "-T", "-", stdin=CSV)[0] == 201  # a pipe: in chunks, its length unknown
    assert server.get("/data/2") == {"id": 2, "name": "Abee", "mass (g)": None}


def test_line_ends_that_curl_took_away_are_spoken_of(server: Server, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(CSV)
    status, problem = server.curl("-d", "@x.csv")
    assert status == 400
    assert "--data-binary" in problem["detail"]


def test_a_refusal_arrives_while_a_large_body_is_still_on_its_way(server: Server, tmp_path: Path) -> None:
    with (tmp_path / "x.jsonl").open("wb") as file:
        file.write(b"[]\n")
        for _ in range(300):
            file.write(b'{"a":"' + b"x" * 100_000 + b'"}\n')
    status, problem = server.curl("--data-binary", "@x.jsonl", "-H", "Content-Type: application/x-ndjson")
    assert (status, problem["row"]) == (422, 1)


@pytest.mark.parametrize("how", ["a length that is not reached", "chunks of JSON without the last one"])
def test_a_client_that_breaks_off_has_loaded_nothing(server: Server, how: str) -> None:
    head = b"POST /data HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
    with socket.create_connection(("127.0.0.1", server.port), 30) as connection:
        if how.startswith("chunks"):
            body = b"[" + b'{"id":1},' * 100_000
            connection.sendall(head + b"application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
            connection.sendall(b"%x\r\n" % len(body) + body + b"\r\n")
        else:
            body = b'{"id":1}\n' * 100_000
            connection.sendall(head + b"application/x-ndjson\r\nContent-Length: %d\r\n\r\n" % (len(body) + 9) + body)
    deadline = time.monotonic() + 30
    while (answer := server.curl("--data-binary", '[{"id":"later"}]'))[0] == 409:  # until the server has noticed
        assert time.monotonic() < deadline
    assert answer == (201, {"dataset": "default", "loaded": 1, "total": 1})


def test_readers_go_on_while_a_load_streams_in(server: Server) -> None:
    assert server.curl("--data-binary", '[{"id":"old"}]')[0] == 201
    begun, go_on = threading.Event(), threading.Event()
    answers: list[bytes] = []

    def send() -> None:
        with socket.create_connection(("127.0.0.1", server.port), 60) as connection:
            connection.sendall(b"POST /data HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n")
            connection.sendall(b"Transfer-Encoding: chunked\r\nContent-Type: application/x-ndjson\r\n\r\n")
            line = b'{"name":"new"}\n' * 10_000
            connection.sendall(b"%x\r\n" % len(line) + line + b"\r\n")
            begun.set()
            go_on.wait(30)
            connection.sendall(b"0\r\n\r\n")
            answers.append(b"".join(iter(lambda: connection.recv(65536), b"")))

    sender = threading.Thread(target=send)
    sender.start()
    begun.wait(30)
    assert server.get("/data")["records"] == [{"id": "old"}]
    assert server.get("/healthz")
    go_on.set()
    sender.join(60)
    assert b" 201 " in answers[0].split(b"\r\n")[0]
    assert server.get("/data?limit=1")["total"] == 10_001
