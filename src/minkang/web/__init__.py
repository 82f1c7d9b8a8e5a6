"""Docstring follows."""
