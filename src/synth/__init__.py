"""Invented people and their records, seeded: the same seed gives the same city. Nobody in it exists."""
