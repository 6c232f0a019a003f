"""Trainings: planned, running and past."""

from __future__ import annotations
