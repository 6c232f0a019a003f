"""A line for every file: amounts, rows seen before, suspected secrets."""

from __future__ import annotations

import json
import random
import time

import pyarrow as pa
import pytest
from pyarrow import parquet

from core.documents.duplicates import Duplicates
from core.documents.personal import secrets_in
from core.documents.records import ColumnMap, FileStarted, Finding, Record, Row
from core.documents.report import Report, names_of
from tests.core.documents.reading import read_all

WORDS = [f"word{n}" for n in range(3000)]
CARD = "4111 1111 1111 1111"


def follow(*rows: str, leave_out_secrets: bool = False) -> Report:
    report = Report(leave_out_secrets)
    records = [Record("a", f"line {n}", Row(text=row)) for n, row in enumerate(rows, start=1)]
    list(report.follow([FileStarted("a"), *records]))
    return report


def test_amounts_and_states(tmp_path) -> None:
    (tmp_path / "a.txt").write_text("three words here")
    (tmp_path / "b.txt").write_text(" \n")
    (tmp_path / "c.exe").write_text("x")
    _, report = read_all(tmp_path)
    lines = [(file.state, file.rows, file.characters, file.words) for file in report.files]
    assert lines == [("read", 1, 16, 3), ("empty", 0, 0, 0), ("skipped", 0, 0, 0)]
    assert report.summary() == (
        "1 row of 3 files (1 read, 1 skipped, 1 empty); findings: 1 skipped."
    )


def test_two_files_of_one_name_have_two_lines() -> None:
    report = Report()
    list(report.follow([FileStarted("a"), FileStarted("a")]))
    assert len(report.files) == 2


def test_duplicates_are_told() -> None:
    text = " ".join(random.Random(1).sample(WORDS, 100))
    report = follow(text, text.upper() + "  ", text + " and two more", "1 + 2", "1 + 2", "1 - 2")
    kinds = [(one.place, one.kind) for one in report.findings]
    assert kinds == [
        ("lines 2, 5", "duplicate"), ("line 3", "near duplicate")
    ]  # fmt: skip
    assert report.rows == 6


def test_near_duplicates_are_found_and_others_are_not() -> None:
    draw = random.Random(2)
    seen = Duplicates()
    texts = [draw.choices(WORDS, k=120) for _ in range(300)]
    assert [seen.seen(" ".join(words)) for words in texts] == [None] * 300
    changed = [" ".join([*words[:60], "another", *words[61:]]) for words in texts]
    found = sum(seen.seen(text) == "near duplicate" for text in changed)
    assert found > 290


JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (f"Card {CARD}.", "a card number"),
        (f"{CARD} 12/27", "a card number"),
        ("4111-1111-1111-1111 123", "a card number"),
        ("12 4111111111111111 x", "a card number"),
        ("3782 822463 10005", "a card number"),
        ("Write to jo.doe+x@mail.example.org", "an e-mail address"),
        ("a@b.c.d.e.f.g.example.org", "an e-mail address"),
        ("jörg@müller.example", "an e-mail address"),
        ("AKIAIOSFODNN7EXAMPLE", "an access key"),
        ("key_ASIAIOSFODNN7EXAMPLE", "an access key"),
        ("token ghp_" + "a1B2" * 9, "an access key"),
        ("sk_live_" + "a1B2" * 6, "an access key"),
        ("rk_live_" + "a1B2" * 6, "an access key"),
        (f"Cookie: session={JWT}", "an access key"),
        ("Authorization: Bearer abcdefgh.ijkl", "an access key"),
        ("AccountName=x;AccountKey=" + "a1B2" * 8 + "==;", "an access key"),
        ("https://hooks.slack.com/services/T00000000/B0000/XXXX", "an access key"),
        ("-----BEGIN RSA PRIVATE KEY-----", "a private key"),
        ("-----BEGIN PGP PRIVATE KEY BLOCK-----", "a private key"),
        ("PuTTY-User-Key-File-3: ssh-ed25519", "a private key"),
        ('"api_key": "0123456789abcdef"', "a password"),
        ("DB_PASSWORD=hunter", "a password"),
        ("OPENAI_API_KEY=abcdefgh", "a password"),
        ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG", "a password"),
        ("client_secret: 8Q~abcdefg", "a password"),
        ("https://x.example/?token=a1b2c3d4&page=2", "a password"),
        ("Server=db;Uid=sa;Pwd=sommer;", "a password"),
        ("The password: hunter2 works.", "a password"),
        ("password: sommernacht\nuser: jo", "a password"),
        ("'password': 'sommer'", "a password"),
    ],
)
def test_secrets_are_suspected(text, kind) -> None:
    assert secrets_in(text) == [kind]
    report = follow("fine", text)
    [finding] = report.findings
    assert (finding.kind, finding.place, report.rows) == ("secret", "line 2", 2)
    assert text not in json.dumps(report.files[0].to_dict())
    assert follow("fine", text, leave_out_secrets=True).rows == 1


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1112",
        "0000 0000 0000 0000",
        "1" * 30,
        "IMEI 356938035643809",
        "2001 2002 2003 2004 2005",
        "4006381333931",
        "3.14159265358979323846",
        "me@home",
        "lodash@4.17.21",
        "skipped sk-short",
        "The password: ask me.",
        "The password: see below",
        "Choose a password: something that you remember.",
        "token: a piece of text",
        "token: something",
        "token = tokenizer.decode(x1)",
        "tokens: 12345678",
        "token = 12345678",
        "password = get_password(user1)",
        "login(user=user, password=password, port=1)",
        "login(password=password)",
        'api_key=os.environ["API_KEY_2"]',
        "PASSWORD=$PASSWORD_1",
        "PWD=/home/jo/work1",
        "password=<your password>",
        "password: ********",
        "Authorization: Bearer <token>",
        "eyJustAWord.eyJustAWord",
    ],
)
def test_harmless_texts_are_not_suspected(text) -> None:
    assert secrets_in(text) == []


@pytest.mark.parametrize(
    "text",
    ["eyJ" * 300_000, "password" * 100_000, "a.b-" * 250_000, "4111 " * 200_000, "sk-" * 300_000],
)
def test_patterns_take_time_that_grows_with_the_text_alone(text) -> None:
    began = time.process_time()
    secrets_in(text)
    assert time.process_time() - began < 5


def test_damaged_rows_are_told() -> None:
    assert [one.kind for one in follow("a\ufffd").findings] == ["damaged"]


def test_places_of_one_reason_fold_and_other_reasons_are_counted() -> None:
    report = Report()
    folded = [Finding("a", f"line {n}", "skipped", "why") for n in range(3, 103)]
    others = [Finding("a", f"page {n}", "damaged", f"why {n}") for n in range(100)]
    list(report.follow([*folded, *others]))
    [line] = report.files
    assert line.counts == {"skipped": 100, "damaged": 100}
    assert line.told[0] == "lines 3, 4, 5 and 97 more: why"
    assert line.told[-2:] == ["page 9: why 9", "... and 90 more damaged"]
    assert line.to_dict()["findings"][0] == {
        "place": "lines 3, 4, 5 and 97 more", "kind": "skipped", "why": "why", "count": 100
    }  # fmt: skip


@pytest.mark.parametrize(
    ("places", "told"),
    [
        (["line 2"], "line 2: why"),
        (["sheet A, row 2", "sheet A, row 4"], "sheet A, rows 2, 4: why"),
        (["sheet A, row 2", "sheet B, row 2"], "sheet A, row 2; sheet B, row 2: why"),
        (["", ""], "Why"),
    ],
)
def test_places_are_told_as_people_say_them(places, told) -> None:
    report = Report()
    list(report.follow(Finding("a", place, "skipped", "why") for place in places))
    assert report.files[0].told == [told]


def test_what_costs_rows_is_told_before_duplicates_and_never_crowded_out() -> None:
    report = follow(*["the same"] * 50, "AKIAIOSFODNN7EXAMPLE")
    report.note(Finding("a", "line 60", "skipped", "broken"))
    report.note(Finding("a", "", "new kind", "something else"))
    kinds = [one.kind for one in report.findings]
    assert kinds == ["skipped", "secret", "duplicate", "new kind"]


def test_what_happens_with_duplicates_is_said_once() -> None:
    assert "a training keeps one" not in follow("a", "b").summary()
    twice = follow("a", "a", "a").summary()
    assert twice.endswith(
        "2 duplicate. Of rows that are alike to the letter, a training keeps one; other "
        "duplicates and near duplicates stay."
    )


def test_near_duplicates_are_looked_for_among_the_first_rows(monkeypatch) -> None:
    monkeypatch.setattr("core.documents.duplicates.MOST_COMPARED", 3)
    text = " ".join(WORDS[:100])
    rows = ["one", text, text + " more"]
    assert "looked for" not in follow(*rows).summary()
    report = follow(*rows, text + " and more", "one")
    assert [(one.place, one.kind) for one in report.findings] == [
        ("line 5", "duplicate"), ("line 3", "near duplicate")
    ]  # fmt: skip
    assert report.summary().endswith("looked for among the first 3 rows only.")


def test_chosen_columns_are_those_of_the_tables_that_have_them(tmp_path) -> None:
    (tmp_path / "a.csv").write_text("Frage,Antwort,id\nQ,A,1\n")
    (tmp_path / "b.jsonl").write_text('{"prompt": "Q", "response": "A"}\n')
    (tmp_path / "c.csv").write_text("Titel\nT\n")
    (tmp_path / "d.csv").write_text("Frage,Antwort\n,A\n")
    table = pa.Table.from_pylist([{"Frage": "Q", "Antwort": "A", "id": 1}])
    parquet.write_table(table, tmp_path / "e.parquet")
    _, unread = read_all(tmp_path)
    folder = tmp_path.name
    assert names_of(unread.asking) == f"{folder}/a.csv, {folder}/c.csv, {folder}/d.csv and 1 more"
    records, report = read_all(tmp_path, columns=ColumnMap(prompt="Frage", response="Antwort"))
    columns = ("Frage", "Antwort", "id")
    assert [one.columns for one in records] == [columns, (), columns]
    assert [file.mapped for file in report.mapped] == [columns, columns]
    # Of the last one the columns are there, but not a row: another choice may help.
    assert [file.columns for file in report.asking] == [("Titel",), ("Frage", "Antwort")]


def test_a_reading_can_end_where_there_are_no_records() -> None:
    report, asked = Report(), iter([True, True, True, False])
    findings = [Finding("a", f"line {n}", "skipped", f"why {n}") for n in range(9)]
    assert list(report.follow([FileStarted("a"), *findings], lambda: next(asked))) == []
    assert len(report.findings) == 2


def test_rows_that_are_all_left_out_need_no_word_on_their_columns() -> None:
    report = Report(leave_out_secrets=True)
    row = Record("t.csv", "line 2", Row(text="Write to jan@example.com"), ("Antwort",))
    list(report.follow([FileStarted("t.csv"), row]))
    assert not report.rows
    assert not report.undecided
