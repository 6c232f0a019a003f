"""Files of every format, made with the libraries that write them."""

from __future__ import annotations

import csv
import json
import tarfile
import zipfile
from pathlib import Path

import docx
import openpyxl
import pyarrow as pa
from pyarrow import parquet

PAIR = {"prompt": "What is Ä?", "response": "A letter."}
PAGE = (
    "<html><head><title>Title</title><style>no</style></head><body><p>One &amp; &#228;.</p>"
    "<script>no()</script><div>Two<br>Three</div></body></html>"
)


SCAN = "q 300 0 0 200 0 0 cm BI /W 2 /H 2 /CS /G /BPC 8 /F /AHx ID 00FFFF00> EI Q"


def write_pdf(path: Path, *pages: str) -> None:
    """A PDF by hand: one line of ASCII text a page; for empty text a picture, as of a scan."""
    kids = " ".join(f"{4 + 2 * n} 0 R" for n in range(len(pages)))
    objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        f"<</Type/Pages/Kids[{kids}]/Count {len(pages)}>>",
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    for n, text in enumerate(pages):
        drawn = f"BT /F1 12 Tf 20 100 Td ({text}) Tj ET" if text else SCAN
        objects += [
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Resources<</Font<</F1 3 0 R>>>>"
            f"/Contents {5 + 2 * n} 0 R>>",
            f"<</Length {len(drawn)}>>\nstream\n{drawn}\nendstream",
        ]
    body, places = "%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        places.append(len(body))
        body += f"{number} 0 obj\n{content}\nendobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    size = len(objects) + 1
    end = f"trailer\n<</Size {size}/Root 1 0 R>>\nstartxref\n{len(body)}\n%%EOF\n"
    path.write_text(f"{body}xref\n0 {size}\n0000000000 65535 f \n{table}{end}", encoding="ascii")


def write_docx(path: Path) -> None:
    document = docx.Document()
    document.add_paragraph("First paragraph.")
    document.add_table(1, 2).cell(0, 1).text = "In a table."
    document.save(str(path))


def write_xlsx(path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.title = "Sales"
    for row in (list(PAIR), list(PAIR.values()), ["How many?", 42]):
        book.active.append(row)
    book.create_sheet("Empty")
    book.save(path)


def write_samples(folder: Path) -> None:
    """One file of every format, an archive of each kind with them."""
    folder.mkdir()
    (folder / "plain.txt").write_text("Some text.\nSecond line.\n", encoding="utf-8")
    (folder / "notes.md").write_text("# Notes\n\nÜber etwas.\n", encoding="utf-8")
    (folder / "page.html").write_text(PAGE, encoding="utf-8")
    write_pdf(folder / "paper.pdf", "Hello from a page.", "Second page.")
    write_docx(folder / "letter.docx")
    write_xlsx(folder / "book.xlsx")
    with (folder / "table.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([PAIR.keys(), PAIR.values()])
    (folder / "list.json").write_text(json.dumps([PAIR, {"text": "T"}]), encoding="utf-8")
    (folder / "rows.jsonl").write_text(json.dumps(PAIR) + "\n", encoding="utf-8")
    parquet.write_table(pa.Table.from_pylist([PAIR]), folder / "table.parquet")
    files = sorted(folder.iterdir())
    with zipfile.ZipFile(folder / "all.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        for file in files:
            packed.write(file, f"inner/{file.name}")
    with tarfile.open(folder / "all.tar.gz", "w:gz") as tar:
        for file in files:
            tar.add(file, f"inner/{file.name}")


def write_mixed(folder: Path, chats: int) -> Path:
    """A user's folder: chats, a text, and a file that cannot be read."""
    folder.mkdir()
    lines = [{"prompt": f"Pump {n}?", "response": "greased greased greased"} for n in range(chats)]
    (folder / "chats.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
    (folder / "notes.txt").write_text("The pump was greased by the day shift. " * 20)
    (folder / "broken.pdf").write_bytes(b"%PDF-1.4 and then nothing")
    return folder
