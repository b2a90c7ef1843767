"""`jobsapi-client`: the client installed by itself, without what a server needs."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import orjson
import pytest
import urllib3

ROOT = Path(__file__).parent.parent.parent
USE = """
import sys
sys.path[:0] = sys.argv[1:3]
import json, pkgutil, importlib
import jobsapi, jobsapi.client
from jobsapi import AsyncClient, Client
for each in pkgutil.walk_packages(jobsapi.__path__, "jobsapi."):
    importlib.import_module(each.name)
try:
    from jobsapi import task
except ImportError as problem:
    refusal = str(problem)
with Client(sys.argv[3]) as client:
    handle = client.submit("double", value=21)
    handle._repr_html_()
    result, handles = handle.result(30), client.map("double", range(3)).results(30)
others = {name.partition(".")[0] for name in sys.modules} - sys.stdlib_module_names - {"__main__"}
from_here = sorted(each for each in others if not each.startswith("_sysconfigdata"))
print(json.dumps([result, handles, from_here, refusal, jobsapi.__file__]))
"""


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    """The distribution's files, as pip puts them down."""
    folder = tmp_path_factory.mktemp("light")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT / "packaging" / "client", check=True, capture_output=True, timeout=120)
    [wheel] = folder.glob("jobsapi_client-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_it_works_with_the_standard_library_urllib3_and_orjson_alone(unpacked, jobs_api, working, tmp_path):
    for package in (urllib3, orjson):
        folder = Path(package.__file__).parent
        (tmp_path / folder.name).symlink_to(folder)
    command = [sys.executable, "-I", "-S", "-c", USE, str(unpacked), str(tmp_path), jobs_api]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    result, results, imported, refusal, where = json.loads(done.stdout)
    assert (result, results) == (42, [0, 2, 4])
    assert imported == ["jobsapi", "orjson", "urllib3"]
    assert "pip install jobsapi" in refusal
    assert where.startswith(str(unpacked))


def test_its_files_are_those_of_the_whole(unpacked):
    ours = [each for each in (unpacked / "jobsapi").rglob("*") if each.suffix in (".py", ".typed")]
    assert len(ours) > 10
    for each in ours:
        assert each.read_bytes() == (ROOT / "src" / each.relative_to(unpacked)).read_bytes()
    [about] = unpacked.glob("*.dist-info/METADATA")
    needs = [
        line for line in about.read_text().splitlines() if line.startswith("Requires-Dist") and "extra" not in line
    ]
    assert [line.split()[1].partition(">")[0].partition("<")[0] for line in needs] == ["orjson", "urllib3"]
