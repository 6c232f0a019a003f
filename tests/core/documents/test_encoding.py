"""Texts of many languages in the encodings that they come in; a guess is told as one."""

from __future__ import annotations

import pytest

from core.documents.encoding import lines, open_text
from core.documents.records import Unreadable
from tests.core.documents.reading import read_all, whys

GERMAN = "Größe, Maß und Übermut: die Straße führt über die Brücke zurück."
RUSSIAN = "Широкая электрификация южных губерний даст мощный толчок подъёму хозяйства."
HUNGARIAN = "Az erdőben sok fű nő, a fák között madarak énekelnek, és jövő héten újra esni fog."
JAPANESE = "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。"
CHINESE = "北京是中华人民共和国的首都,位于华北平原北部,是全国的政治中心、文化中心和国际交往中心。"
GUESSED = {
    "cp1252": [
        "Müller",
        "naïve",
        "25 °C, ±3 µm, §4",
        "“Quoted” – it’s 20 € or £5…",
        "a long text in English with one naïve word " * 9,
        "Søren Müller met François and José in Zürich",
        "L’été dernier, j’ai visité la forêt près de Besançon. Où êtes-vous ?",
        "El niño comió piña en España; ¿cuándo volverá mañana?",
        "Não há razão para a confusão, são três irmãos com opiniões.",
        GERMAN,
    ],
    "cp1250": ["Łódź", "Zażółć gęślą jaźń", "Příliš žluťoučký kůň", HUNGARIAN],
    "iso8859_2": ["Dziękuję, że przyszedłeś. Następny pociąg odjeżdża o świcie z Łodzi."],
    "cp1254": ["Bütün insanlar hür, haysiyet ve haklar bakımından eşit doğarlar."],
    "cp1251": ["Привет", "Name: Иван, city: Москва", RUSSIAN, "Усі люди рівні у своїй гідності."],
    "koi8_r": ["Привет", "Name: Иван, city: Москва", RUSSIAN],
    "cp1253": ["Καλημέρα κόσμε, τι κάνετε σήμερα;"],
    "shift_jis": ["こんにちは", JAPANESE],
    "euc_jp": ["こんにちは", JAPANESE],
    "gb18030": [CHINESE],
    "euc_kr": ["모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다."],
    "utf-16-le": ["Hi", GERMAN, f"{RUSSIAN} " * 9],
    "utf-16-be": ["Hi", GERMAN],
}
CASES = [(encoding, text) for encoding, texts in GUESSED.items() for text in texts]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_encodings_that_are_sure_are_not_told(tmp_path, encoding) -> None:
    path = tmp_path / "a.txt"
    path.write_text(f"{GERMAN} {RUSSIAN}", encoding=encoding)
    [record], report = read_all(path)
    assert record.row.text == f"{GERMAN} {RUSSIAN}"
    assert not report.findings


@pytest.mark.parametrize(("encoding", "text"), CASES)
def test_encodings_are_told_apart(tmp_path, encoding, text) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(text.encode(encoding))
    with open_text(path) as file:
        assert file.read() == text


@pytest.mark.parametrize("name", ["a.txt", "a.html", "a.csv", "a.json", "a.jsonl"])
def test_a_guess_is_told_and_the_file_is_read(tmp_path, name) -> None:
    content = {"a.csv": "text\nMüller\n"}.get(name, '{"text": "Müller"}')
    (tmp_path / name).write_bytes(content.encode("cp1252"))
    [record], report = read_all(tmp_path / name)
    assert "Müller" in record.row.text
    assert whys(report)[name] == ": it is no UTF-8 and was read as cp1252, which is a guess"
    assert report.files[0].state == "read"
    assert report.summary().endswith("findings: 1 note.")


@pytest.mark.parametrize("width", [2, 4])
def test_numbers_are_no_text(tmp_path, width) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"".join((n % 50).to_bytes(width, "little") for n in range(900)))
    with pytest.raises(Unreadable, match="binary"):
        open_text(path)


def test_a_line_without_measure_is_told_with_its_number(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("core.documents.encoding.LONGEST", 9)
    path = tmp_path / "a.txt"
    path.write_text("short\nand too long\n")
    with open_text(path) as file, pytest.raises(Unreadable, match="line 2 has more than 9 char"):
        list(lines(file))
