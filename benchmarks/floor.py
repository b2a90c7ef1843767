"""The hand-written floor: create, and finish-and-claim, as one small Lua script each, with nothing around them.

What a job queue on this server could reach, through the same client library as everybody here, if it kept one hash and
a place in two sorted sets for each job and checked nothing: no validation, no lists, no limits, no stale claims. The
engine's figures are shown as ratios to these.

    python -m benchmarks.floor URL        works until the queue is empty, a hundred jobs a call
"""

from __future__ import annotations

import sys
from typing import Any

import orjson
import redis

CREATE = """
local many, queue = #ARGV / 2, {}
local before = redis.call('INCRBY', KEYS[1] .. 'seq', many) - many
for i = 1, many do
  redis.call('HSET', KEYS[1] .. 'j:' .. ARGV[2 * i - 1], 's', 's', 'p', ARGV[2 * i], 'n', before + i)
  queue[2 * i - 1] = before + i
  queue[2 * i] = ARGV[2 * i - 1]
end
redis.call('ZADD', KEYS[1] .. 'q', unpack(queue))
return many
"""

TURN = """
local gone = {}
for i = 3, #ARGV, 2 do
  redis.call('HSET', KEYS[1] .. 'j:' .. ARGV[i], 's', 'c', 'v', ARGV[i + 1])
  gone[#gone + 1] = ARGV[i]
end
if gone[1] then
  redis.call('ZREM', KEYS[1] .. 'leases', unpack(gone))
  redis.call('INCRBY', KEYS[1] .. 'done', #gone)
end
local out, leases = {}, {}
local popped = tonumber(ARGV[1]) > 0 and redis.call('ZPOPMIN', KEYS[1] .. 'q', ARGV[1]) or {}
for i = 1, #popped, 2 do
  local key = KEYS[1] .. 'j:' .. popped[i]
  redis.call('HSET', key, 's', 'p')
  leases[#leases + 1] = ARGV[2]
  leases[#leases + 1] = popped[i]
  out[#out + 1] = popped[i]
  out[#out + 1] = redis.call('HGET', key, 'p')
end
if leases[1] then redis.call('ZADD', KEYS[1] .. 'leases', unpack(leases)) end
return out
"""

BATCH = 100
"""Jobs a call brings; larger ones held the server longer and were no faster for each job."""


class Floor:
    """The scripts on a redis-py client, under a prefix of their own."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._sha = {name: client.script_load(text) for name, text in globals().items() if name in ("CREATE", "TURN")}

    def create(self, jobs: list[tuple[str, bytes]]) -> None:
        """Record and queue jobs, (id, parameters) each, in one call."""
        self._client.evalsha(self._sha["CREATE"], 1, "{floor}:", *(part for job in jobs for part in job))

    def turn(self, ended: list[tuple[bytes, bytes]], most: int) -> list[tuple[bytes, bytes]]:
        """End jobs, (id, result) each, and claim up to `most` others, (id, parameters) each, all in one call."""
        parts = (part for job in ended for part in job)
        rows = self._client.evalsha(self._sha["TURN"], 1, "{floor}:", most, 1_000_000, *parts)
        return list(zip(rows[::2], rows[1::2], strict=True))


def echo(n: int) -> int:
    """The task."""
    return n


def work(client: Any) -> None:
    """Claim, run and finish until the queue is empty."""
    floor = Floor(client)
    ended: list[tuple[bytes, bytes]] = []
    while claimed := floor.turn(ended, BATCH):
        ended = [(jid, orjson.dumps(echo(**orjson.loads(params)))) for jid, params in claimed]


if __name__ == "__main__":
    work(redis.Redis.from_url(sys.argv[1]))
