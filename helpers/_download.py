"""Find a data file: in the reader's own folder, in the cache, or on the network; never a damaged one."""

import os
import sys
import warnings
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

_TIMEOUT = (5, 30)  # seconds to connect, and between two pieces of an answer


class Unavailable(OSError):
    """A file is not on this computer, and could not be downloaded.

    Attributes
    ----------
    reason : str
        Why not, as the end of a sentence.
    """

    def __init__(self, message, reason):
        super().__init__(message)
        self.reason = reason


def find(name, url, checksum, also=()):
    """Return the path of a file, and download it where that is necessary.

    The folder that the environment variable ``HELPERS_DATA`` names comes first, and a file in it is used as
    it is. Then come the cache and `also`, whose files are used if their checksum is right. A download goes
    into the cache, under its own name only when it is complete and its checksum is right.

    Parameters
    ----------
    name : str
        Of the file, without a folder.
    url : str
    checksum : str
        ``"md5:..."`` or ``"sha256:..."``.
    also : iterable of path-like
        Other places where the file may be.

    Returns
    -------
    pathlib.Path

    Warns
    -----
    UserWarning
        The file in the reader's own folder has another checksum.

    Raises
    ------
    Unavailable
        There is no such file, and no way to get it; the message says what to do.
    OSError
        ``HELPERS_DATA`` names no folder, or its file cannot be read.
    """
    own = _own_file(name)
    if own is not None:
        if not _is_intact(own, checksum):
            message = f"{own} is used, but is not the published file: its checksum is not {checksum}"
            warnings.warn(message, stacklevel=3)
        return own
    for path in (_cache() / name, *map(Path, also)):
        if os.path.isfile(path) and _is_intact(path, checksum):
            return path
    _download(name, url, checksum)
    return _cache() / name


def _own_file(name):
    """Return the file in the folder that HELPERS_DATA names, or None if there is none."""
    folder = os.environ.get("HELPERS_DATA")
    if not folder:
        return None
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise NotADirectoryError(f"HELPERS_DATA must name a folder, received {str(folder)!r}")
    return folder / name if os.path.exists(folder / name) else None


def _is_intact(path, checksum):
    algorithm, _, expected = checksum.partition(":")
    try:
        return _pooch().file_hash(str(path), alg=algorithm) == expected
    except OSError as error:
        raise OSError(f"{path} cannot be read ({error.strerror})") from error


def _cache():
    return _pooch().os_cache("medical-image-diagnosis")


def _pooch():
    """Import pooch without the warning of its tqdm, in a notebook, that the widgets are missing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pooch
    return pooch


def _download(name, url, checksum):
    """Put the file into the cache: pooch checks the temporary file of `_get` before it renames it."""
    pooch = _pooch()
    try:
        with _without_log_lines(pooch.get_logger()):
            pooch.retrieve(url, checksum, fname=name, path=_cache(), downloader=_get)
    except (OSError, ValueError) as error:
        reason = _reason(error, urlsplit(url).hostname)
        raise Unavailable(
            f"{name} is not on this computer, and {reason}. Try again with a network; or download {url} "
            f"elsewhere, put it into a folder as {name}, and name this folder before you call again: "
            "os.environ['HELPERS_DATA'] = 'the folder'",
            reason,
        ) from error


def _get(url, path, _):
    """Write what the server sends to a file, with a bar on stdout that vanishes at the end."""
    import requests
    from tqdm import tqdm

    silent = os.environ.get("TQDM_DISABLE") == "1"
    look = {"unit": "B", "unit_scale": True, "leave": False, "delay": 0.5, "disable": silent}
    with requests.get(url, stream=True, timeout=_TIMEOUT) as answer, open(path, "wb") as file:
        answer.raise_for_status()
        size = int(answer.headers.get("Content-Length", 0)) or None
        with tqdm(desc="download", total=size, file=sys.stdout, **look) as bar:
            for piece in answer.iter_content(2**16):
                file.write(piece)
                bar.update(len(piece))


@contextmanager
def _without_log_lines(logger):
    before = logger.disabled
    # Not by its level: pooch's logger remembers what it once let through.
    logger.disabled = True
    try:
        yield
    finally:
        logger.disabled = before


def _reason(error, host):
    """Return why a download failed, as the end of a sentence."""
    from requests import RequestException

    if isinstance(error, RequestException):
        if error.response is not None:
            return f"{host} answered with the error {error.response.status_code}"
        return f"the connection to {host} failed"
    if isinstance(error, ValueError):  # of pooch
        return f"what {host} sent has another checksum than the published file, so that it was deleted"
    # pooch explains a missing permission in its own words, without an error number
    return f"the cache folder {_cache()} cannot be written ({error.strerror or 'Permission denied'})"
