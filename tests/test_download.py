"""A file is found where it is said to be, or the error says what to do, and nothing half-written stays."""

import errno
import hashlib
import os
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pooch
import pytest
import requests

from helpers import _download
from helpers._download import Unavailable, find

CONTENT = bytes(range(256)) * 1000
CHECKSUM = "md5:" + hashlib.md5(CONTENT).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """Serves CONTENT in the way that the path asks for."""

    def do_GET(self):
        self.server.requests += 1
        if self.path == "/missing":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        half = len(CONTENT) // 2
        if self.path == "/another":
            self.wfile.write(CONTENT[::-1])
        else:
            self.wfile.write(CONTENT[:half])
        if self.path in ("/slow", "/stalls"):
            self.wfile.flush()
            time.sleep(0.8)
        if self.path in ("/good", "/slow"):
            self.wfile.write(CONTENT[half:])

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def running_server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def server(running_server, monkeypatch):
    """The address of a server, and how many requests it has had."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    running_server.requests = 0
    running_server.url = f"http://127.0.0.1:{running_server.server_port}"
    return running_server


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(_download, "_cache", lambda: tmp_path / "cache")
    monkeypatch.delenv("HELPERS_DATA", raising=False)
    return tmp_path / "cache"


@pytest.fixture
def own_folder(tmp_path, monkeypatch):
    folder = tmp_path / "own"
    folder.mkdir()
    monkeypatch.setenv("HELPERS_DATA", str(folder))
    return folder


def files_in(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_file_is_downloaded_once_and_then_read_from_the_cache(cache, server):
    path = find("file.bin", f"{server.url}/good", CHECKSUM)
    assert path.read_bytes() == CONTENT
    assert find("file.bin", f"{server.url}/good", CHECKSUM) == path
    assert server.requests == 1
    assert files_in(cache) == ["file.bin"]


def test_a_file_of_the_readers_folder_comes_first(cache, own_folder, server):
    cache.mkdir()
    for folder in (cache, own_folder):
        (folder / "file.bin").write_bytes(CONTENT)
    assert find("file.bin", f"{server.url}/good", CHECKSUM) == own_folder / "file.bin"
    assert server.requests == 0


def test_a_file_of_the_readers_folder_with_another_checksum_is_used_with_a_warning(cache, own_folder):
    (own_folder / "file.bin").write_bytes(b"mine")
    with pytest.warns(UserWarning, match=f"file.bin is used, .* checksum is not {CHECKSUM}"):
        path = find("file.bin", "http://127.0.0.1:1/", CHECKSUM)
    assert path.read_bytes() == b"mine"


def test_a_folder_of_the_reader_without_the_file_changes_nothing(cache, own_folder, server):
    assert find("file.bin", f"{server.url}/good", CHECKSUM) == cache / "file.bin"
    assert files_in(own_folder) == []


def test_a_folder_of_the_reader_may_begin_with_a_tilde(cache, own_folder, monkeypatch):
    monkeypatch.setenv("HOME", str(own_folder.parent))
    monkeypatch.setenv("USERPROFILE", str(own_folder.parent))
    monkeypatch.setenv("HELPERS_DATA", "~/own")
    (own_folder / "file.bin").write_bytes(CONTENT)
    assert find("file.bin", "http://127.0.0.1:1/", CHECKSUM) == own_folder / "file.bin"


def test_a_folder_of_the_reader_that_does_not_exist_is_an_error(cache, monkeypatch, tmp_path):
    monkeypatch.setenv("HELPERS_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(NotADirectoryError, match="HELPERS_DATA must name a folder, received .*nowhere"):
        find("file.bin", "http://127.0.0.1:1/", CHECKSUM)


def test_a_file_of_the_reader_that_cannot_be_read_is_named(cache, own_folder):
    (own_folder / "file.bin").mkdir()  # a folder is as unreadable as a file without permission
    with pytest.raises(OSError, match=r"file.bin cannot be read \("):
        find("file.bin", "http://127.0.0.1:1/", CHECKSUM)


def test_another_place_is_used_if_its_file_is_intact(cache, server, tmp_path):
    elsewhere = tmp_path / "elsewhere.bin"
    elsewhere.write_bytes(CONTENT)
    assert find("file.bin", f"{server.url}/good", CHECKSUM, also=[elsewhere]) == elsewhere
    elsewhere.write_bytes(CONTENT[:-1])
    assert find("file.bin", f"{server.url}/good", CHECKSUM, also=[elsewhere]) == cache / "file.bin"


def test_a_damaged_file_in_the_cache_is_downloaded_again(cache, server):
    cache.mkdir()
    (cache / "file.bin").write_bytes(CONTENT[:1000])
    assert find("file.bin", f"{server.url}/good", CHECKSUM).read_bytes() == CONTENT


def test_a_damaged_file_in_the_cache_is_not_used_without_a_network(cache):
    cache.mkdir()
    (cache / "file.bin").write_bytes(CONTENT[:1000])
    with pytest.raises(Unavailable):
        find("file.bin", "http://127.0.0.1:1/", CHECKSUM)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        (
            "/another",
            "what 127.0.0.1 sent has another checksum than the published file, so that it was deleted",
        ),
        ("/truncated", "the connection to 127.0.0.1 failed"),
        ("/stalls", "the connection to 127.0.0.1 failed"),
        ("/missing", "127.0.0.1 answered with the error 404"),
    ],
)
def test_what_is_not_the_published_file_is_not_kept(cache, server, monkeypatch, path, reason):
    monkeypatch.setattr(_download, "_TIMEOUT", (5, 0.3))
    with pytest.raises(Unavailable) as raised:
        find("file.bin", server.url + path, CHECKSUM)
    assert raised.value.reason == reason
    assert files_in(cache) == []


def test_a_truncated_answer_without_a_length_is_caught_by_the_checksum(cache, server, monkeypatch):
    monkeypatch.setattr(Handler, "send_header", lambda *_: None)
    with pytest.raises(Unavailable, match="another checksum"):
        find("file.bin", f"{server.url}/truncated", CHECKSUM)
    assert files_in(cache) == []


def test_without_a_network_the_error_says_what_to_do(cache):
    with pytest.raises(Unavailable) as raised:
        find("file.bin", "http://127.0.0.1:1/far/file.bin", CHECKSUM)
    assert str(raised.value) == (
        "file.bin is not on this computer, and the connection to 127.0.0.1 failed. Try again with a network; "
        "or download http://127.0.0.1:1/far/file.bin elsewhere, put it into a folder as file.bin, and name "
        "this folder before you call again: os.environ['HELPERS_DATA'] = 'the folder'"
    )
    assert isinstance(raised.value, OSError)


def test_a_cache_that_cannot_be_made_is_named(cache):
    cache.write_text("a file where the folder should be")
    with pytest.raises(Unavailable, match=rf"the cache folder {cache} cannot be written \("):
        find("file.bin", "http://127.0.0.1:1/", CHECKSUM)


@pytest.mark.parametrize("exists", [True, False])
def test_a_cache_without_permission_is_named(cache, server, monkeypatch, exists):
    # Simulated, because permissions do not bind an administrator
    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    if exists:
        cache.mkdir()
    monkeypatch.setattr(
        pooch.utils.tempfile if exists else os, ["makedirs", "NamedTemporaryFile"][exists], refuse
    )
    with pytest.raises(
        Unavailable, match=rf"the cache folder {cache} cannot be written \(Permission denied\)"
    ):
        find("file.bin", f"{server.url}/good", CHECKSUM)
    assert files_in(cache) == []


def write_half(error):
    """A download that writes half of the file and then ends with `error`."""

    def download(url, path, _):
        with open(path, "wb") as file:
            file.write(CONTENT[: len(CONTENT) // 2])
        raise error

    return download


def test_a_full_disk_leaves_nothing_behind(cache, monkeypatch):
    full = OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr(_download, "_get", write_half(full))
    with pytest.raises(Unavailable, match=rf"{cache} cannot be written \(No space left on device\)"):
        find("file.bin", "http://127.0.0.1:1/", CHECKSUM)
    assert files_in(cache) == []


def test_an_interrupted_download_leaves_nothing_behind(cache, monkeypatch):
    monkeypatch.setattr(_download, "_get", write_half(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        find("file.bin", "http://127.0.0.1:1/", CHECKSUM)
    assert files_in(cache) == []


def test_the_name_appears_only_with_the_whole_file(cache, server):
    thread = threading.Thread(target=find, args=("file.bin", f"{server.url}/slow", CHECKSUM))
    thread.start()
    time.sleep(0.4)  # the server has sent one half, and sleeps
    seen = files_in(cache)
    thread.join()
    assert "file.bin" not in seen
    assert (cache / "file.bin").read_bytes() == CONTENT


def test_a_long_download_shows_a_bar_that_vanishes(cache, server, capfd, monkeypatch):
    monkeypatch.setenv("TQDM_DISABLE", "0")
    find("file.bin", f"{server.url}/slow", CHECKSUM)
    out, err = capfd.readouterr()
    assert re.search(r"download:  \d\d%", out)
    assert out.endswith("\r")
    assert out.rstrip("\r").split("\r")[-1].strip() == ""
    assert err == ""


@pytest.mark.parametrize("silent", [True, False])
def test_a_short_download_and_a_silenced_one_show_nothing(cache, server, capfd, monkeypatch, silent):
    monkeypatch.setenv("TQDM_DISABLE", "1" if silent else "0")
    find("file.bin", f"{server.url}/{'slow' if silent else 'good'}", CHECKSUM)
    assert capfd.readouterr() == ("", "")


def test_pooch_logs_nothing_meanwhile_and_what_it_did_afterwards(cache, server, monkeypatch):
    logger, lines = pooch.get_logger(), []
    monkeypatch.setattr(logger, "handle", lines.append)
    logger.info("before")
    find("file.bin", f"{server.url}/good", CHECKSUM)
    logger.info("afterwards")
    assert [line.msg for line in lines] == ["before", "afterwards"]


def test_a_server_is_not_waited_for_without_a_limit(cache, monkeypatch):
    asked = []

    def get(url, **options):
        asked.append(options["timeout"])
        raise requests.ConnectionError

    monkeypatch.setattr(requests, "get", get)
    with pytest.raises(Unavailable):
        find("file.bin", "http://127.0.0.1:1/", CHECKSUM)
    assert asked == [(5, 30)]
