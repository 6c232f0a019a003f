"""Fetches a model from the Hugging Face Hub, in pieces that survive a broken connection.

The Hub library lists the files and knows endpoint, token and proxies. The bytes are streamed
here: its own downloader throws away what it has when it is stopped, and a model is large.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar

from core.control import Cancel
from core.errors import KnownError
from core.model.install import Progress, file_hash, is_installed, partial_folder, publish
from core.model.store import PICKLE_PROBLEM, inspect_folder, is_causal
from core.paths import Paths

_WANTED = ("*.json", "*.safetensors", "*.jinja", "*.txt", "*.model", "README.md", "LICENSE*")
_UNWANTED = ("consolidated*", "training_args*", "trainer_state*", "adapter_*")
_WEIGHTS = "model*.safetensors"
_TIMEOUT_SECONDS = 15.0
_PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0)  # seconds before each new try without any progress
_TRUE = ("1", "true", "yes", "on")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class HubFile:
    """One file of a repository; `sha256` is "" for small files, of which the Hub keeps none."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class HubModel:
    """What the Hub holds under a name, shown to the user before anything is fetched."""

    repo: str
    revision: str
    licence: str
    files: tuple[HubFile, ...]

    @property
    def size_bytes(self) -> int:
        """All of the files that would be fetched."""
        return sum(file.size for file in self.files)

    @property
    def source(self) -> str:
        """Where it comes from, as an address."""
        return f"{_endpoint()}/{self.repo}"


class _LineError(Exception):
    """A failure of the line or of the server that may pass: worth another try."""


def _hub() -> Any:
    """The Hub library, imported late (it is slow) and without its reports home."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    import huggingface_hub

    return huggingface_hub


def _endpoint() -> str:
    return os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")


def find_on_hub(
    repo: str, cancel: Cancel, *, offline: bool = False, pauses: Sequence[float] = _PAUSES
) -> HubModel:
    """Look a model up: its files with sizes, its licence.

    With `offline`, the user's wish that nothing touches the network, this is refused;
    `pauses` are the seconds to wait before each further try.

    Raises:
        KnownError: if it does not exist, is gated, is no safetensors model, or the Hub is away.
    """
    if offline or os.environ.get("HF_HUB_OFFLINE", "").lower() in _TRUE:
        raise KnownError(
            f"{repo} is not on this machine, and Stride is set to stay offline.",
            "Turn the offline switch off in the settings (or unset HF_HUB_OFFLINE) to fetch it.",
        )
    info = _patiently(lambda: _ask(repo), cancel, pauses)
    files = tuple(
        HubFile(one.rfilename, one.size or 0, one.lfs.sha256 if one.lfs else "")
        for one in info.siblings
        if _is_wanted(one.rfilename)
    )
    names = [one.rfilename for one in info.siblings]
    _refuse_if_unusable(repo, names, info.config or {})
    card = info.card_data.to_dict() if info.card_data else {}
    licence = card.get("license_name") or card.get("license") or ""
    return HubModel(repo, info.sha, str(licence), files)


def _is_wanted(name: str) -> bool:
    """Files of the top folder that a model needs; one form of the weights only."""
    if "/" in name or any(fnmatch(name, pattern) for pattern in _UNWANTED):
        return False
    if name.endswith(".safetensors"):
        return fnmatch(name, _WEIGHTS)
    return any(fnmatch(name, pattern) for pattern in _WANTED)


def _refuse_if_unusable(repo: str, names: list[str], config: dict[str, Any]) -> None:
    """Say so before gigabytes are fetched for nothing."""
    if config.get("architectures") and not is_causal(config):
        raise KnownError(f"{repo} is no causal language model.", "Choose a text generation model.")
    if any(fnmatch(name, _WEIGHTS) for name in names):
        return
    if any(name.endswith((".bin", ".pt", ".pth", ".ckpt")) for name in names):
        raise KnownError(f"{repo} is {PICKLE_PROBLEM}.", "Choose a repository with safetensors.")
    raise KnownError(f"{repo} holds no safetensors weights.", "Choose another repository.")


def _ask(repo: str) -> Any:
    hub = _hub()
    return _translated(
        repo,
        lambda: hub.HfApi(endpoint=_endpoint()).model_info(
            repo, files_metadata=True, timeout=_TIMEOUT_SECONDS
        ),
    )


def _translated(repo: str, call: Callable[[], T]) -> T:
    """The call's result; the Hub library's failures become `_LineError` or a sentence.

    Raises:
        KnownError: for what another try would not mend.
    """
    _hub()
    from huggingface_hub import errors

    network_error: type[Exception] = vars(errors)["HTTPError"]  # httpx's or httpx2's, by version
    try:
        return call()
    except errors.GatedRepoError as error:
        raise KnownError(
            f"{repo} is gated: its owner asks you to accept conditions first.",
            f"Accept them at {_endpoint()}/{repo}, then set HF_TOKEN to a token of yours.",
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise KnownError(
            f"The Hub has no model named {repo}, or it is private.",
            "Check the name; for a private model set HF_TOKEN to a token of yours.",
        ) from error
    except (errors.HFValidationError, errors.HfUriError) as error:
        raise KnownError(
            f"{repo!r} is no name of a model on the Hub.", "Write OWNER/NAME."
        ) from error
    except errors.HfHubHTTPError as error:
        code = error.response.status_code
        if code >= 500 or code in (408, 429):
            raise _LineError(f"it answered {code}") from error
        raise KnownError(f"The Hub refused {repo}: it answered {code}.") from error
    except (network_error, ConnectionError, TimeoutError) as error:
        raise _LineError(str(error) or type(error).__name__) from error


def _patiently(
    attempt: Callable[[], T],
    cancel: Cancel,
    pauses: Sequence[float],
    reached: Callable[[], int] = lambda: 0,
) -> T:
    """Call `attempt` until it succeeds, with a longer pause before each further try.

    Where `reached` has grown meanwhile, the line works, and the pauses begin anew.

    Raises:
        KnownError: when all the tries have failed.
    """
    waits, before = iter(pauses), reached()
    while True:
        cancel.check()
        try:
            return attempt()
        except _LineError as error:
            if reached() > before:
                waits, before = iter(pauses), reached()
            pause = next(waits, None)
            if pause is None:
                raise KnownError(
                    f"The connection to {_endpoint()} keeps failing: {error}.",
                    "Try again later; what has arrived is kept and the download goes on there.",
                ) from error
            cancel.wait(pause)


def fetch_model(
    model: HubModel,
    paths: Paths,
    progress: Progress,
    cancel: Cancel,
    pauses: Sequence[float] = _PAUSES,
) -> Path:
    """The folder of a model found by `find_on_hub`; a stopped download goes on where it ended.

    Progress is in bytes over all files.

    Raises:
        KnownError: if the line stays broken, a file arrives damaged, or the disk is full.
        Cancelled: when asked to stop; what has arrived is kept for the next time.
    """
    target = paths.models / model.repo.replace("/", "--")
    if is_installed(target):
        return target
    with partial_folder(target, model.revision[:12], model.size_bytes) as partial:
        before = 0
        for file in model.files:
            report = _Report(progress, f"Downloading {model.repo}", before, model.size_bytes)
            _fetch_file(model, file, partial / file.name, report, cancel, pauses)
            before += file.size
        entry = inspect_folder(model.repo, partial, "folder")
        if entry is None or entry.problem:
            problem = entry.problem if entry else "it is no causal language model"
            raise KnownError(f"{model.repo} cannot be used: {problem}.", "Choose another model.")
        return publish(
            partial,
            target,
            name=model.repo,
            source=f"{model.source}/tree/{model.revision}",
            licence=model.licence,
            hashes={file.name: file.sha256 for file in model.files if file.sha256},
        )


@dataclass(frozen=True, slots=True)
class _Report:
    """Progress of one file as progress of the whole."""

    progress: Progress
    phase: str
    before: int
    total: int

    def __call__(self, done: int) -> None:
        self.progress(self.phase, self.before + done, self.total)


def _fetch_file(
    model: HubModel,
    file: HubFile,
    path: Path,
    report: Callable[[int], None],
    cancel: Cancel,
    pauses: Sequence[float],
) -> None:
    """One file, whole and checked, beginning with what an earlier attempt left of it."""
    path.touch()
    if path.stat().st_size > file.size:
        path.unlink()
    _patiently(
        lambda: _translated(model.repo, lambda: _stream(model, file, path, report, cancel)),
        cancel,
        pauses,
        lambda: path.stat().st_size if path.exists() else 0,
    )
    if file.sha256 and file_hash(path, cancel) != file.sha256:
        path.unlink()
        raise KnownError(
            f"The file {file.name} of {model.repo} arrived damaged and was thrown away.",
            "Fetch the model again; only this file is fetched anew.",
        )


def _stream(
    model: HubModel, file: HubFile, path: Path, report: Callable[[int], None], cancel: Cancel
) -> None:
    """One request for what is missing of a file, appended as it arrives."""
    hub = _hub()
    done = path.stat().st_size if path.exists() else 0
    report(done)
    if done == file.size:
        return
    headers = {**hub.utils.build_hf_headers(), "Accept-Encoding": "identity"}
    if done:
        headers["Range"] = f"bytes={done}-"
    url = hub.hf_hub_url(model.repo, file.name, revision=model.revision, endpoint=_endpoint())
    request = hub.utils.get_session().stream(
        "GET", url, headers=headers, follow_redirects=True, timeout=_TIMEOUT_SECONDS
    )
    with request as response:
        hub.utils.hf_raise_for_status(response)
        goes_on = response.status_code == HTTPStatus.PARTIAL_CONTENT
        with path.open("ab" if goes_on else "wb") as out:
            for chunk in response.iter_bytes():  # as it arrives: none is lost with the line
                out.write(chunk)
                report(out.tell())
                cancel.check()
    if path.stat().st_size != file.size:
        raise _LineError(f"{file.name} ended early")
