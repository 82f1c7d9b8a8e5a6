"""Rows of standard data sets to FHIR: which column is what (`columns`), what a row says (`rows`). Pure."""

from minkang.gateways.files.mapping.columns import Column, columns_of, datasets, guess, matched, template
from minkang.gateways.files.mapping.rows import understood

__all__ = ["Column", "columns_of", "datasets", "guess", "matched", "template", "understood"]
