"""A command on a terminal of its own: what a person sees, types and gets back."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import threading
from typing import TYPE_CHECKING, Any

from tests.cli.conftest import JOBSAPI

if TYPE_CHECKING:
    from pathlib import Path

_MOVES = re.compile(r"\x1b\[[0-9;]*[HAK]")
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1b[=>]|\r")


class Terminal:
    """A command whose stdin and stderr, and stdout too unless it is piped, are a terminal of 80 columns."""

    def __init__(self, *words: str, cwd: Path, env: dict[str, str], is_piped: bool = False, rows: int = 24) -> None:
        self._end, its_end = pty.openpty()
        fcntl.ioctl(its_end, termios.TIOCSWINSZ, struct.pack("HHHH", rows, 80, 0, 0))
        self._raw, self._changed = "", threading.Condition()
        self.process = subprocess.Popen(
            [*JOBSAPI, *words],
            cwd=cwd,
            env={**env, "TERM": "xterm-256color", "COLUMNS": "80", "LINES": str(rows)},
            stdin=its_end,
            stdout=subprocess.PIPE if is_piped else its_end,
            stderr=its_end,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - Ctrl-C needs it; it takes no lock
        )
        os.close(its_end)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        try:
            while piece := os.read(self._end, 4096):
                with self._changed:
                    self._raw += piece.decode(errors="replace")
                    self._changed.notify_all()
        except OSError:  # the last process that had it open is gone
            pass
        os.close(self._end)

    @property
    def raw(self) -> str:
        """All that was written, with what a terminal obeys."""
        return self._raw

    @property
    def text(self) -> str:
        """The same without; what is written elsewhere on the screen, or over what stands there, begins a line."""
        return _ESCAPES.sub("", _MOVES.sub("\n", self._raw))

    def until_shown(self, pattern: str) -> re.Match[str]:
        """What fits the pattern, once it was shown."""
        with self._changed:
            found = self._changed.wait_for(lambda: re.search(pattern, self.text), 40)
        assert found, f"{pattern!r} in {self.text[-2000:]!r}"
        return found

    def press(self, keys: str) -> None:
        """Keys, as a person presses them; Ctrl-C is the character 3."""
        os.write(self._end, keys.encode())

    def ended(self) -> int:
        """The exit code, once it has ended and all it wrote was read."""
        code = self.process.wait(40)
        self._reader.join(10)
        return code

    def piped(self) -> Any:
        """What it wrote to the pipe."""
        assert self.process.stdout
        with self.process.stdout:
            return self.process.stdout.read().decode()
