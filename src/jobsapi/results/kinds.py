"""What figures, frames, images, files and bytes become: each kind's bytes in its own media type."""

from __future__ import annotations

import codecs
import importlib
import mimetypes
import shutil
import stat
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

from jobsapi.errors import Invalid
from jobsapi.results.output import Output, Spool

__all__ = ["ARROW_TYPE", "CSV_TYPE", "PARQUET_TYPE", "encoder_of", "suffix_of"]

PARQUET_TYPE = "application/vnd.apache.parquet"
ARROW_TYPE = "application/vnd.apache.arrow.stream"
CSV_TYPE = "text/csv; charset=utf-8"

_BINARY = "application/octet-stream"
_DPI = 150
_MATPLOTLIB_DPI = 100

_BY_SUFFIX = {
    ".arrow": "application/vnd.apache.arrow.file",
    ".arrows": ARROW_TYPE,
    ".avif": "image/avif",
    ".bz2": "application/x-bzip2",
    ".feather": "application/vnd.apache.arrow.file",
    ".geojson": "application/geo+json",
    ".gpkg": "application/geopackage+sqlite3",
    ".gz": "application/gzip",
    ".h5": "application/x-hdf5",
    ".hdf5": "application/x-hdf5",
    ".ipynb": "application/x-ipynb+json",
    ".jsonl": "application/x-ndjson",
    ".log": "text/plain",
    ".md": "text/markdown",
    ".nc": "application/x-netcdf",
    ".ndjson": "application/x-ndjson",
    ".npy": "application/x-npy",
    ".npz": "application/x-npz",
    ".parquet": PARQUET_TYPE,
    ".sqlite": "application/vnd.sqlite3",
    ".toml": "application/toml",
    ".tsv": "text/tab-separated-values",
    ".webp": "image/webp",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".xz": "application/x-xz",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
    ".zst": "application/zstd",
}
_BY_HEAD = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
    (b"\x1f\x8b", "application/gzip"),
    (b"\x28\xb5\x2f\xfd", "application/zstd"),
    (b"PAR1", PARQUET_TYPE),
    (b"ARROW1", "application/vnd.apache.arrow.file"),
    (b"\x89HDF\r\n\x1a\n", "application/x-hdf5"),
    (b"CDF\x01", "application/x-netcdf"),
    (b"CDF\x02", "application/x-netcdf"),
    (b"\x93NUMPY", "application/x-npy"),
    (b"SQLite format 3\x00", "application/vnd.sqlite3"),
)
_HEAD = 4096

_types = mimetypes.MimeTypes()  # Python's own table alone, so that every machine gives the same answer

Encoder = Callable[[str, Any, Spool], Output]


def encoder_of(value: Any) -> Encoder | None:
    """The function that makes an output of a value of one of these kinds; None for anything else."""
    return next((encoder for is_one, encoder in _ENCODERS if is_one(value)), None)


def _is_a(value: Any, module: str, *kinds: str) -> bool:
    loaded = sys.modules.get(module)
    return loaded is not None and any(isinstance(value, getattr(loaded, kind, ())) for kind in kinds)


def _from_bytes(name: str, value: Any, spool: Spool) -> Output:
    data = value.getvalue() if isinstance(value, BytesIO) else bytes(value)
    return spool.from_bytes(name, _type_of_head(data[:_HEAD]) or _BINARY, data)


def _from_path(name: str, value: Path, spool: Spool) -> Output:
    """The file is copied, not moved: it may be an input of the next job, or be written again by it."""
    try:
        about = value.stat()
        if stat.S_ISDIR(about.st_mode):
            raise Invalid(f"The result is the folder {value}; return a file, for example an archive of it.")
        if not stat.S_ISREG(about.st_mode):
            raise Invalid(f"The result is {value}, which is not a regular file.")
        if about.st_size > spool.max_result:
            spool.charge(about.st_size)  # refused before anything is copied
        with value.open("rb") as source:
            media_type = _type_of_file(value, source.read(_HEAD))
            source.seek(0)
            copy = spool.new_file()
            with copy.open("wb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
    except FileNotFoundError:
        raise Invalid(f"The result is the file {value}, which does not exist (in {Path.cwd()}).") from None
    except PermissionError as problem:
        raise Invalid(f"The result is the file {value}, which cannot be read: {problem}.") from problem
    filename = value.name.encode("utf-8", "replace").decode()  # a name in another coding must not fail the job
    return spool.from_file(name, media_type, copy, filename=filename)


def _type_of_file(path: Path, head: bytes) -> str:
    suffix = path.suffix.lower()
    by_name = _BY_SUFFIX.get(suffix) or _types.guess_type("file" + suffix)[0]
    if by_name and by_name.startswith("text/") and _is_utf8(head):
        return by_name + "; charset=utf-8"
    return by_name or _type_of_head(head) or _BINARY


def suffix_of(media_type: str) -> str:
    """What the names of files of a media type end in, with the dot; "" where nothing is usual."""
    bare = media_type.partition(";")[0]
    own = next((suffix for suffix, kind in _BY_SUFFIX.items() if kind == bare), None)
    return own or _types.guess_extension(bare) or ""


def _type_of_head(head: bytes) -> str | None:
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in _BY_HEAD if head.startswith(start)), None)


def _is_utf8(head: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head, final=len(head) < _HEAD)  # beyond, a letter may be cut
    except UnicodeDecodeError:
        return False
    return True


def _figure_of(value: Any) -> Any:
    """The matplotlib figure that a value is or belongs to (axes, a seaborn grid, what `frame.hist()` gives)."""
    loaded = sys.modules.get("matplotlib.figure")
    if loaded is None or isinstance(value, type):
        return None
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, numpy.ndarray):
        if value.dtype != object or not value.size:
            return None
        value = value.flat[0]
    for _ in range(4):  # an artist, its axes, its sub-figure, its figure
        if isinstance(value, loaded.Figure):
            return value
        value = getattr(value, "figure", None)
    return None


def _from_figure(name: str, value: Any, spool: Spool) -> Output:
    figure, path = _figure_of(value), spool.new_file()
    configured = sys.modules["matplotlib"].rcParams["savefig.dpi"]
    unset = configured == "figure" and figure.dpi == _MATPLOTLIB_DPI
    try:
        figure.savefig(path, format="png", dpi=_DPI if unset else configured, bbox_inches="tight")
    except ValueError as problem:
        raise Invalid(f"The figure cannot be drawn as a PNG: {problem}") from problem
    finally:
        if "matplotlib.pyplot" in sys.modules:  # pyplot keeps every figure until it is told
            sys.modules["matplotlib.pyplot"].close(figure)
    return spool.from_file(name, "image/png", path)


def _from_image(name: str, value: Any, spool: Spool) -> Output:
    path = spool.new_file()
    try:
        value.save(path, format="PNG")
    except OSError as problem:
        raise Invalid(
            f"The image cannot be saved as a PNG ({problem}); convert it first, as in image.convert('RGB')."
        ) from problem
    return spool.from_file(name, "image/png", path)


def _from_pandas(name: str, value: Any, spool: Spool) -> Output:
    pandas = sys.modules["pandas"]
    if isinstance(value, pandas.Series):
        value = value.to_frame("value" if value.name is None else value.name)
    index, path = value.index, spool.new_file()
    plain = isinstance(index, pandas.RangeIndex) and (index.start, index.step, index.name) == (0, 1, None)
    value.to_csv(path, index=not plain)
    return spool.from_file(name, CSV_TYPE, path, alternates=_alternates(_pandas_writers(value), spool))


def _pandas_writers(frame: Any) -> dict[str, Callable[[Path], object]]:
    def table() -> Any:
        return importlib.import_module("pyarrow").Table.from_pandas(frame)

    def parquet(path: Path) -> None:
        importlib.import_module("pyarrow.parquet").write_table(table(), path)

    def arrow(path: Path) -> None:
        ipc, content = importlib.import_module("pyarrow.ipc"), table()
        options = ipc.IpcWriteOptions(compression="lz4")
        with path.open("wb") as file, ipc.new_stream(file, content.schema, options=options) as writer:
            writer.write_table(content)

    return {PARQUET_TYPE: parquet, ARROW_TYPE: arrow}


def _from_polars(name: str, value: Any, spool: Spool) -> Output:
    polars = sys.modules["polars"]
    if isinstance(value, polars.LazyFrame):
        value = value.collect()
    if isinstance(value, polars.Series):
        value = value.to_frame(value.name or "value")
    path = spool.new_file()
    try:
        value.write_csv(path)
    except polars.exceptions.ComputeError as problem:
        raise Invalid(
            f"The frame cannot be written as CSV ({problem}); return frame.to_dicts(), or write it to a file "
            "of another format and return its Path."
        ) from problem
    writers = {
        PARQUET_TYPE: value.write_parquet,
        ARROW_TYPE: lambda target: value.write_ipc_stream(target, compression="lz4"),
    }
    return spool.from_file(name, CSV_TYPE, path, alternates=_alternates(writers, spool))


def _alternates(writers: dict[str, Callable[[Path], object]], spool: Spool) -> tuple[Output, ...]:
    """A frame in Parquet and Arrow too, where the worker can write them; they do not count against the limit.

    Both are written here, by the library that made the frame, because the API has neither it nor the memory
    to convert. What cannot be written (mixed columns, no pyarrow) is left out, and asking for it is a 406.
    """
    polars = sys.modules.get("polars")
    unfit: tuple[type[Exception], ...] = (ImportError, ValueError, TypeError, NotImplementedError, OverflowError)
    unfit += (polars.exceptions.PolarsError,) if polars else ()
    made = []
    for media_type, write in writers.items():
        path = spool.new_file()
        try:
            write(path)
        except unfit:
            path.unlink()
            continue
        free = Spool(spool.folder, path.stat().st_size)
        made.append(free.from_file("", media_type, path))
    return tuple(made)


_ENCODERS: tuple[tuple[Callable[[Any], bool], Encoder], ...] = (
    (lambda value: isinstance(value, bytes | bytearray | memoryview | BytesIO), _from_bytes),
    (lambda value: isinstance(value, Path), _from_path),
    (lambda value: _figure_of(value) is not None, _from_figure),
    (lambda value: _is_a(value, "pandas", "DataFrame", "Series"), _from_pandas),
    (lambda value: _is_a(value, "polars", "DataFrame", "LazyFrame", "Series"), _from_polars),
    (lambda value: _is_a(value, "PIL.Image", "Image"), _from_image),
)
