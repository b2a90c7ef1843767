"""What a notebook shows of jobs, handles and results: a real kernel runs it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

EXECUTE = """
import sys, nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], 4)
NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
nbformat.write(notebook, sys.argv[2])
"""
CELLS = [
    "from jobsapi import Client; client = Client()",
    "handle = client.submit('break_down', why='<script>alert(1)</script>'); handle.exception(30); handle",
    "client.handle(client.submit('double', value=1).id)",
    "handles = client.map('double', range(30)); handles.results(30)[-1]",
    "handles",
    "client.get_batch(handles.batches[0])",
    "result = client.submit('outputs', folder={folder!r}).result(30); result['picture']",
    "result['note']",
    "result['table']",
    "client.get_job_by_id(handle.id)",
]


@pytest.fixture
def shown(jobs_api, working, tmp_path):
    """The outputs of each cell, as their HTML or text."""
    cells = [
        {"cell_type": "code", "id": f"c{i}", "metadata": {}, "source": source.format(folder=str(tmp_path))}
        for i, source in enumerate(CELLS)
        for source in [source if "folder" in source else source.replace("{", "{{").replace("}", "}}")]
    ]
    for each in cells:
        each |= {"outputs": [], "execution_count": None}
    given, made = tmp_path / "given.ipynb", tmp_path / "made.ipynb"
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    given.write_text(json.dumps({"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}))
    done = subprocess.run(
        [sys.executable, "-c", EXECUTE, given, made], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return [
        "\n".join(
            "".join(output["data"].get("text/html", output["data"].get("text/plain"))) for output in cell["outputs"]
        )
        for cell in json.loads(made.read_text())["cells"]
    ]


def test_a_notebook_shows_jobs_and_results_and_escapes_what_they_say(shown):
    _, failed, single, mapped, handles, batch, picture, note, table, job = shown
    for html in (failed, job):
        assert "<th>status</th><td>✗ failed (error)</td>" in html
        assert "ValueError: &lt;script&gt;alert(1)&lt;/script&gt;" in html
        assert "<script" not in html
    assert "<code>{&quot;value&quot;: 1}</code>" in single
    assert 'double <progress max="30" value="30"></progress> 30 of 30' in mapped
    assert mapped.endswith("58")
    assert "30 jobs, 30 ended" in handles
    assert "… and 10 more" in handles
    assert "<th>✓ complete</th><td>30</td>" in batch
    assert picture.startswith('<img alt="picture" src="data:image/png;base64,iVBOR')
    assert "note.txt" in note
    assert "<td>Yuma</td>" in table
