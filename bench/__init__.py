"""Measurements: each file is a program of its own that says what it measures and how."""
