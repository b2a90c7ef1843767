"""An output ↔ bytes and a media type; large ones go to files."""

from jobsapi.results.media import Output, encode, encode_named

__all__ = ["Output", "encode", "encode_named"]
