from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from core.errors import KnownError
from core.model.install import publish
from core.model.starter import NAME as STARTER_NAME
from core.model.store import (
    PICKLE_PROBLEM,
    ModelEntry,
    find_model,
    fits,
    hub_cache,
    list_models,
    memory_needed,
    resolve_model,
)
from core.paths import Paths
from core.settings import Settings
from tests.core.model.fake_hub import CONFIG, tiny_files, write_model

COMMIT = "a" * 40


def install(paths: Paths, name: str) -> Path:
    """A model of Stride's own, as the starter and the Hub's are."""
    partial = write_model(paths.models / "work")
    return publish(
        partial, paths.models / name, name=name, source="test", licence="Apache-2.0", hashes={}
    )


def cache(name: str, commit: str = COMMIT) -> Path:
    """A model in the Hugging Face cache, laid out as its own library does."""
    repo = hub_cache() / f"models--{name.replace('/', '--')}"
    write_model(repo / "snapshots" / commit)
    (repo / "refs").mkdir(exist_ok=True)
    (repo / "refs" / "main").write_text(commit)
    return repo / "snapshots" / commit


def folder_with(root: Path) -> Settings:
    return Settings(model_folders=(str(root),))


def only(entries: tuple[ModelEntry, ...]) -> ModelEntry:
    assert len(entries) == 1
    return entries[0]


def test_models_are_found_in_all_three_places(paths: Paths, tmp_path: Path) -> None:
    own = install(paths, "own")
    cached = cache("someone/cached")
    write_model(tmp_path / "folder" / "plain")
    write_model(tmp_path / "folder" / "publisher" / "nested")
    found = list_models(paths, folder_with(tmp_path / "folder"))
    assert [(one.name, one.source, one.problem) for one in found] == [
        ("own", "stride", ""),
        ("plain", "folder", ""),
        ("publisher/nested", "folder", ""),
        ("someone/cached", "hugging_face_cache", ""),
    ]
    assert found[0].licence == "Apache-2.0"
    assert found[3].licence == "mit"
    assert found[3].path == cached
    assert resolve_model("own", paths, Settings()) == own
    assert resolve_model("someone/cached", paths, Settings()) == cached
    assert found[0].size_bytes == (own / "model.safetensors").stat().st_size


def test_a_folder_that_is_itself_a_model_counts_once(paths: Paths, tmp_path: Path) -> None:
    model = write_model(tmp_path / "mine")
    settings = Settings(model_folders=(str(model), str(tmp_path)))
    assert only(list_models(paths, settings)).name == "mine"


def test_nothing_anywhere_is_no_model(paths: Paths) -> None:
    assert list_models(paths, Settings(model_folders=("/nowhere/at/all",))) == ()


def test_half_finished_work_is_never_a_model(paths: Paths) -> None:
    write_model(paths.models / "thing.partial-123")
    write_model(paths.models / "without-manifest")
    whole = install(paths, "whole")
    (whole / "stride-model.json").rename(whole / "stride-model.json.cut")
    assert list_models(paths, Settings()) == ()


def test_a_damaged_model_of_our_own_is_listed_with_its_problem(paths: Paths) -> None:
    folder = install(paths, "own")
    (folder / "tokenizer.json").unlink()
    assert "tokenizer.json is missing" in only(list_models(paths, Settings())).problem
    with pytest.raises(KnownError, match="cannot be used"):
        resolve_model("own", paths, Settings())


def write_shards(folder: Path) -> None:
    names = {"a.weight": "model-1.safetensors", "b.weight": "model-2.safetensors"}
    for tensor, file in names.items():
        (folder / file).write_bytes(save({tensor: np.zeros(100, np.float32)}))
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": names}))
    (folder / "model.safetensors").unlink()


@pytest.mark.parametrize("harm", ["missing", "short"])
def test_every_shard_of_a_cached_model_is_checked(paths: Paths, harm: str) -> None:
    folder = cache("someone/sharded")
    write_shards(folder)
    assert only(list_models(paths, Settings())).problem == ""
    shard = folder / "model-2.safetensors"
    if harm == "missing":
        shard.unlink()
    else:
        shard.write_bytes(shard.read_bytes()[:-1])
    assert "model-2.safetensors" in only(list_models(paths, Settings())).problem


def test_the_snapshot_of_main_is_taken_before_others(paths: Paths) -> None:
    old = cache("someone/moved", "b" * 40)
    new = cache("someone/moved", "c" * 40)
    assert resolve_model("someone/moved", paths, Settings()) == new
    (new.parents[1] / "refs" / "main").write_text("b" * 40)
    assert resolve_model("someone/moved", paths, Settings()) == old
    (new.parents[1] / "refs" / "main").unlink()
    assert resolve_model("someone/moved", paths, Settings()) in (old, new)


def test_a_whole_copy_goes_before_a_damaged_one(paths: Paths, tmp_path: Path) -> None:
    damaged = write_model(tmp_path / "one" / "twin")
    (damaged / "model.safetensors").unlink()
    (damaged / "pytorch_model.bin").unlink()
    whole = write_model(tmp_path / "two" / "twin")
    settings = Settings(model_folders=(str(damaged.parent), str(whole.parent)))
    assert resolve_model("twin", paths, settings) == whole


@pytest.mark.parametrize(
    ("removed", "changed", "problem"),
    [
        ("model.safetensors", {}, PICKLE_PROBLEM),
        ("tokenizer.json", {}, "incomplete: its tokenizer is not here"),
        ("", {"quantization_config": {"quant_method": "gptq"}}, "quantised weights (gptq)"),
    ],
)
def test_what_cannot_be_used_says_why(
    paths: Paths, tmp_path: Path, removed: str, changed: dict[str, object], problem: str
) -> None:
    files = tiny_files(10) | {"config.json": json.dumps(CONFIG | changed).encode()}
    files.pop(removed, None)
    write_model(tmp_path / "folder" / "odd", files)
    assert problem in only(list_models(paths, folder_with(tmp_path / "folder"))).problem
    with pytest.raises(KnownError, match="cannot be used"):
        resolve_model(str(tmp_path / "folder" / "odd"), paths, Settings())


@pytest.mark.parametrize(
    "config", [b"{", b"[]", b"{}", b'{"architectures": ["BertModel"]}', b'{"architectures": null}']
)
def test_what_is_no_causal_language_model_is_not_listed(
    paths: Paths, tmp_path: Path, config: bytes
) -> None:
    write_model(tmp_path / "folder" / "other", tiny_files(10) | {"config.json": config})
    assert list_models(paths, folder_with(tmp_path / "folder")) == ()
    with pytest.raises(KnownError, match="no causal language model"):
        resolve_model(str(tmp_path / "folder" / "other"), paths, Settings())


def test_an_unknown_name_says_how_to_get_it(paths: Paths, tmp_path: Path) -> None:
    for name in ("nobody/nothing", ""):
        with pytest.raises(KnownError, match="no model named"):
            resolve_model(name, paths, Settings())
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(KnownError, match="is a file"):
        resolve_model(str(file), paths, Settings())


def test_the_starter_has_a_short_name(paths: Paths) -> None:
    with pytest.raises(KnownError, match="stride models fetch"):
        resolve_model("starter", paths, Settings())
    folder = install(paths, STARTER_NAME)
    assert resolve_model("starter", paths, Settings()) == folder
    assert find_model("starter", paths, Settings()).name == STARTER_NAME


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        ("---\nlicense: apache-2.0\ntags: [a]\n---\n# Model", "apache-2.0"),
        ('---\ntags:\n- a\nlicense: "mit"\n---\n', "mit"),
        ("---\nlicense: other\nlicense_name: some-own\n---\n", "some-own"),
        ("---\nlicense: other\n---\n", "other"),
        ("# A model\nlicense: mit\n", ""),
        ("", ""),
    ],
)
def test_the_licence_is_read_from_the_card(
    paths: Paths, tmp_path: Path, card: str, licence: str
) -> None:
    write_model(tmp_path / "folder" / "one", tiny_files(10) | {"README.md": card.encode()})
    assert only(list_models(paths, folder_with(tmp_path / "folder"))).licence == licence


def test_the_cache_is_where_its_own_library_looks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "direct"))
    assert hub_cache() == tmp_path / "direct"
    monkeypatch.delenv("HF_HUB_CACHE")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    assert hub_cache() == tmp_path / "home" / "hub"


def test_memory_decides_what_fits(paths: Paths, tmp_path: Path) -> None:
    write_model(tmp_path / "folder" / "one", tiny_files(1_000_000))
    entry = only(list_models(paths, folder_with(tmp_path / "folder")))
    need = memory_needed(entry, "float32")
    assert need - memory_needed(entry, "bfloat16") == pytest.approx(2_300_000, abs=10)
    assert memory_needed(entry, "auto") == need
    assert fits(entry, 2 * need) == "fits"
    assert fits(entry, int(1.1 * need)) == "tight"
    assert fits(entry, need - 1) == "does not fit"
