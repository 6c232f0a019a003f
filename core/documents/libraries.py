"""Parsing libraries, each loaded when a file of its format comes, and named where it is missing."""

from __future__ import annotations

import importlib
from typing import Any

from core.documents.records import Unreadable

PACKAGES = {
    "charset_normalizer": "charset-normalizer",
    "pypdfium2": "pypdfium2",
    "openpyxl": "openpyxl",
    "pyarrow.parquet": "pyarrow",
}


def require(module: str) -> Any:
    """The module, whose types these libraries do not tell.

    Raises:
        Unreadable: with the pip command, if it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = PACKAGES[module]
        raise Unreadable(f"its format needs {package}: `pip install {package}`") from error
