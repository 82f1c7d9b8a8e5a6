"""Minkang 民康: a regional population-health information platform."""
