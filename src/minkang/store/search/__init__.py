"""Answering a search: plan → SQL for a superset → recheck → page. docs/explanation/store.md tells why.

plan.py turns clauses into terms and a way to walk, sql.py writes the statement, page.py runs it and refills, include.py
adds what the hits point at; params/<kind>.py holds what each kind of parameter puts into the index.
"""
