"""A Hugging Face Hub on 127.0.0.1: the few addresses a download uses, and its mishaps."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import huggingface_hub
import huggingface_hub.constants
import numpy as np
import pytest
from safetensors.numpy import save

REPO = "someone/tiny"
REVISION = "0123456789abcdef0123456789abcdef01234567"
CONFIG = {"architectures": ["LlamaForCausalLM"], "model_type": "llama"}
CARD = "---\nlicense: mit\n---\nA tiny model.\n"


def tiny_files(rows: int = 300_000) -> dict[str, bytes]:
    """The files of a model of some megabytes that is whole as far as its headers say."""
    weights = save({"a.weight": np.arange(rows, dtype=np.float32)})
    return {
        "config.json": json.dumps(CONFIG).encode(),
        "README.md": CARD.encode(),
        "tokenizer.json": b"{}",
        "model.safetensors": weights,
        "pytorch_model.bin": b"pickle",
        "onnx/model.onnx": b"other",
    }


def write_model(folder: Path, files: dict[str, bytes] | None = None) -> Path:
    """Write the files of a model's top folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in (tiny_files(10) if files is None else files).items():
        if "/" not in name:
            (folder / name).write_bytes(content)
    return folder


@dataclass
class FakeHub:
    """What the server holds, what it does wrong, and what it was asked.

    Attributes:
        cuts: File to the number of bytes after which the connection breaks, used up in turn.
        failures: Status codes to answer with before anything else.
        ignores_range: Answer 200 with the whole file to a request for a part.
    """

    files: dict[str, bytes]
    config: dict[str, Any] = field(default_factory=lambda: dict(CONFIG))
    cuts: dict[str, list[int]] = field(default_factory=dict)
    failures: list[int] = field(default_factory=list)
    gated: bool = False
    ignores_range: bool = False
    ranges: list[str] = field(default_factory=list)
    downloads: list[str] = field(default_factory=list)

    def model_info(self) -> dict[str, Any]:
        """The answer of the Hub's own interface, with sizes."""
        siblings: list[dict[str, Any]] = []
        for name, content in self.files.items():
            one: dict[str, Any] = {"rfilename": name, "size": len(content), "blobId": "0" * 40}
            if name.endswith(".safetensors"):
                digest = hashlib.sha256(content).hexdigest()
                one["lfs"] = {"sha256": digest, "size": len(content), "pointerSize": 134}
            siblings.append(one)
        return {
            "id": REPO,
            "sha": REVISION,
            "siblings": siblings,
            "config": self.config,
            "cardData": {"license": "mit"},
            "tags": [],
        }


class _Handler(BaseHTTPRequestHandler):
    hub: FakeHub

    def log_message(self, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if self.hub.failures:
            self._answer(self.hub.failures.pop(0), b"")
        elif self.hub.gated:
            self._answer(403, b"", {"X-Error-Code": "GatedRepo"})
        elif path == f"/api/models/{REPO}":
            self._answer(200, json.dumps(self.hub.model_info()).encode())
        elif path.startswith(f"/{REPO}/resolve/{REVISION}/"):
            self._answer(302, b"", {"Location": "/cdn/" + path.rsplit("/", 1)[1]})
        elif path.startswith("/cdn/"):
            self._file(path.removeprefix("/cdn/"))
        else:
            self._answer(404, b"", {"X-Error-Code": "RepoNotFound"})

    def _file(self, name: str) -> None:
        content, status, start = self.hub.files[name], 200, 0
        wish = self.headers.get("Range", "")
        self.hub.downloads.append(name)
        if wish:
            self.hub.ranges.append(wish)
            if not self.hub.ignores_range:
                status, start = 206, int(wish.removeprefix("bytes=").rstrip("-"))
        body = content[start:]
        cuts = self.hub.cuts.get(name)
        self._answer(status, body, cut=cuts.pop(0) if cuts else None)

    def _answer(
        self,
        status: int,
        body: bytes,
        headers: dict[str, str] | None = None,
        cut: int | None = None,
    ) -> None:
        self.send_response(status)
        for key, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body[:cut])
        self.close_connection = True


@contextmanager
def serving(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """Serve a fake hub and point everything at it."""
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    huggingface_hub.close_session()
    thread.start()
    try:
        yield hub
    finally:
        huggingface_hub.close_session()
        server.shutdown()
        server.server_close()
        thread.join()
