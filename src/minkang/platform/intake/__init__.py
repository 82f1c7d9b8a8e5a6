"""Intake (采集): one way in for every message and document, with a receipt, quarantine and replay."""
