"""The hand-written floor: create, claim and complete as one small Lua script each, with nothing around them.

What a job queue on this server could reach if it kept one hash and two sorted sets a job and checked nothing. The
engine's own figures are shown as ratios to these, taken in the same run (see engine.py).
"""

from __future__ import annotations

from typing import Any

CREATE = """
for i = 2, #ARGV, 2 do
  local n = redis.call('INCR', KEYS[1] .. 'seq')
  redis.call('HSET', KEYS[1] .. 'j:' .. ARGV[i], 's', 's', 'p', ARGV[i + 1], 'n', n)
  redis.call('ZADD', KEYS[1] .. 'q', n, ARGV[i])
end
return 1
"""

CLAIM = """
local out = {}
for i, row in ipairs(redis.call('ZPOPMIN', KEYS[1] .. 'q', ARGV[1])) do
  if i % 2 == 1 then
    redis.call('HSET', KEYS[1] .. 'j:' .. row, 's', 'p')
    redis.call('ZADD', KEYS[1] .. 'leases', ARGV[2], row)
    out[#out + 1] = row
  end
end
return out
"""

COMPLETE = """
for i = 2, #ARGV do
  redis.call('HSET', KEYS[1] .. 'j:' .. ARGV[i], 's', 'c', 'v', ARGV[1])
  redis.call('ZREM', KEYS[1] .. 'leases', ARGV[i])
end
return 1
"""


class Floor:
    """The three scripts on a redis-py client, under a prefix of their own."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._sha = {name: client.script_load(text) for name, text in globals().items() if name.isupper()}

    def create(self, ids: list[str], params: bytes) -> None:
        """Record and queue jobs in one call."""
        self._run("CREATE", "", *(part for jid in ids for part in (jid, params)))

    def claim(self, most: int) -> list[bytes]:
        """Up to `most` ids, the oldest first, in one call."""
        return list(self._run("CLAIM", most, 1_000_000))

    def complete(self, ids: list[bytes]) -> None:
        """End jobs in one call."""
        self._run("COMPLETE", b"null", *ids)

    def _run(self, name: str, *args: Any) -> Any:
        return self._client.evalsha(self._sha[name], 1, "{floor}:", *args)
