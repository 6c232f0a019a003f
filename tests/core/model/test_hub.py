from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.control import Cancel
from core.errors import Cancelled, KnownError
from core.model.hub import HubModel, fetch_model, find_on_hub
from core.model.install import read_manifest
from core.model.store import list_models, resolve_model
from core.paths import Paths
from core.settings import Settings
from tests.core.model.fake_hub import REPO, REVISION, FakeHub, serving, tiny_files

NO_PAUSE = (0.0, 0.0)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    with serving(FakeHub(tiny_files()), monkeypatch) as running:
        yield running


def find() -> HubModel:
    return find_on_hub(REPO, Cancel(), pauses=NO_PAUSE)


class Recorder:
    """A `Progress` that keeps what it is told and may ask for a stop."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.told: list[tuple[str, int, int]] = []
        self.cancel = Cancel()
        self._stop_after = stop_after

    def __call__(self, phase: str, done: int, total: int) -> None:
        self.told.append((phase, done, total))
        if self._stop_after is not None and done > self._stop_after:
            self.cancel.set()


def fetch(paths: Paths, recorder: Recorder | None = None) -> Path:
    recorder = recorder or Recorder()
    return fetch_model(find(), paths, recorder, recorder.cancel, NO_PAUSE)


def partials(paths: Paths) -> list[Path]:
    return list(paths.models.glob("*.partial-*"))


def test_a_look_shows_licence_size_and_only_the_files_needed(hub: FakeHub) -> None:
    model = find()
    names = {file.name for file in model.files}
    assert names == {"config.json", "README.md", "tokenizer.json", "model.safetensors"}
    assert model.licence == "mit"
    assert model.revision == REVISION
    assert model.size_bytes == sum(len(hub.files[name]) for name in names)
    assert model.source == f"{os.environ['HF_ENDPOINT']}/{REPO}"


def test_a_fetched_model_is_whole_listed_and_found_by_name(hub: FakeHub, paths: Paths) -> None:
    recorder = Recorder()
    folder = fetch(paths, recorder)
    assert (folder / "model.safetensors").read_bytes() == hub.files["model.safetensors"]
    manifest = read_manifest(folder)
    assert manifest is not None
    assert manifest.licence == "mit"
    assert manifest.source.endswith(f"{REPO}/tree/{REVISION}")
    assert [entry.name for entry in list_models(paths, Settings())] == [REPO]
    assert resolve_model(REPO, paths, Settings()) == folder
    assert not partials(paths)
    done = [done for _, done, _ in recorder.told]
    assert done == sorted(done)
    assert recorder.told[-1] == (f"Downloading {REPO}", find().size_bytes, find().size_bytes)


def test_a_second_fetch_downloads_nothing(hub: FakeHub, paths: Paths) -> None:
    fetch(paths)
    hub.downloads.clear()
    fetch(paths)
    assert hub.downloads == []


def test_a_broken_connection_goes_on_where_it_broke(hub: FakeHub, paths: Paths) -> None:
    hub.cuts["model.safetensors"] = [500_000, 300_000, 100_000, 50_000]  # more than the pauses
    folder = fetch(paths)
    assert (folder / "model.safetensors").read_bytes() == hub.files["model.safetensors"]
    assert hub.ranges[0] == "bytes=500000-"
    assert len(hub.ranges) == 4


def test_a_server_that_ignores_ranges_is_read_anew(hub: FakeHub, paths: Paths) -> None:
    hub.cuts["model.safetensors"] = [500_000]
    hub.ignores_range = True
    folder = fetch(paths)
    assert (folder / "model.safetensors").read_bytes() == hub.files["model.safetensors"]


def test_a_line_that_stays_broken_ends_with_a_sentence(hub: FakeHub, paths: Paths) -> None:
    hub.cuts["model.safetensors"] = [400_000, 0, 0, 0]
    with pytest.raises(KnownError, match="keeps failing"):
        fetch(paths)
    assert list_models(paths, Settings()) == ()
    hub.cuts.clear()
    fetch(paths)
    assert hub.ranges[-1] == "bytes=400000-"


def test_cancel_keeps_what_arrived_and_the_next_fetch_goes_on(hub: FakeHub, paths: Paths) -> None:
    with pytest.raises(Cancelled):
        fetch(paths, Recorder(stop_after=600_000))
    assert list_models(paths, Settings()) == ()
    assert len(partials(paths)) == 1
    hub.downloads.clear()
    fetch(paths)
    assert hub.downloads == ["model.safetensors"]
    assert len(hub.ranges) == 1
    assert not partials(paths)


def test_a_file_that_arrives_damaged_is_thrown_away(hub: FakeHub, paths: Paths) -> None:
    model = find()
    good = hub.files["model.safetensors"]
    hub.files["model.safetensors"] = good[:-4] + b"\xff\xff\xff\xff"
    with pytest.raises(KnownError, match="arrived damaged"):
        fetch_model(model, paths, Recorder(), Cancel(), NO_PAUSE)
    hub.files["model.safetensors"] = good
    assert fetch_model(model, paths, Recorder(), Cancel(), NO_PAUSE).is_dir()


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_server_in_trouble_is_asked_again(hub: FakeHub, status: int) -> None:
    hub.failures = [status, status]
    assert find().repo == REPO


def test_a_server_that_stays_in_trouble_is_named(hub: FakeHub) -> None:
    hub.failures = [503] * 20
    with pytest.raises(KnownError, match=r"127\.0\.0\.1.*it answered 503"):
        find()


def test_a_gated_model_says_what_to_do(hub: FakeHub) -> None:
    hub.gated = True
    with pytest.raises(KnownError, match=r"gated.*HF_TOKEN"):
        find()


def test_an_unknown_name_says_so(hub: FakeHub) -> None:
    with pytest.raises(KnownError, match="no model named nobody/nothing"):
        find_on_hub("nobody/nothing", Cancel(), pauses=NO_PAUSE)
    with pytest.raises(KnownError, match="no name of a model"):
        find_on_hub("a name/with spaces", Cancel(), pauses=NO_PAUSE)


def test_a_pickle_checkpoint_is_refused_before_the_download(hub: FakeHub) -> None:
    del hub.files["model.safetensors"]
    with pytest.raises(KnownError, match="pickle checkpoint"):
        find()
    del hub.files["pytorch_model.bin"]
    with pytest.raises(KnownError, match="no safetensors"):
        find()


def test_a_model_that_writes_no_text_is_refused(hub: FakeHub) -> None:
    hub.config["architectures"] = ["BertForMaskedLM"]
    with pytest.raises(KnownError, match="no causal language model"):
        find()


def test_offline_refuses_without_a_request(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.failures = [500]
    with pytest.raises(KnownError, match="offline"):
        find_on_hub(REPO, Cancel(), offline=True)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(KnownError, match="offline"):
        find_on_hub(REPO, Cancel())
    assert hub.failures == [500]


def test_another_process_at_work_is_left_alone(hub: FakeHub, paths: Paths) -> None:
    partial = paths.models / f"{REPO.replace('/', '--')}.partial-other"
    partial.mkdir(parents=True)
    (partial / "owner.pid").write_text(str(os.getppid()))
    with pytest.raises(KnownError, match="Another process"):
        fetch(paths)
    (partial / "owner.pid").write_text("4000001")  # above the highest number of a process
    fetch(paths)
    assert not partial.exists()


def test_a_disk_too_small_is_told_before_the_download(
    hub: FakeHub, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = find()
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1000})())
    with pytest.raises(KnownError, match="too full"):
        fetch_model(model, paths, Recorder(), Cancel(), NO_PAUSE)
    assert hub.downloads == []
