"""How much machine there is, and what PostgreSQL is given of it."""

from __future__ import annotations

import os

import pytest

from minkang.kit import machine
from minkang.kit.postgres.tuning import GB, MB, Machine, tuned, written


@pytest.fixture
def groups(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "CGROUP", tmp_path)
    return tmp_path


def test_without_control_groups_the_machine_itself_counts(groups):
    assert machine.memory() == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert machine.cores() == len(os.sched_getaffinity(0))


def test_a_container_of_version_2_is_a_small_machine(groups):
    (groups / "memory.max").write_text("134217728\n")
    (groups / "cpu.max").write_text("50000 100000\n")
    assert machine.memory() == 128 * MB
    assert machine.cores() == 1


def test_a_container_of_version_1_is_one_too(groups):
    (groups / "memory").mkdir()
    (groups / "cpu").mkdir()
    (groups / "memory" / "memory.limit_in_bytes").write_text("268435456\n")
    (groups / "cpu" / "cpu.cfs_quota_us").write_text("100000\n")
    (groups / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    assert machine.memory() == 256 * MB
    assert machine.cores() == 1


def test_a_group_without_a_limit_limits_nothing(groups):
    (groups / "memory.max").write_text("max\n")
    (groups / "cpu.max").write_text("max 100000\n")
    assert machine.memory() == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert machine.cores() == len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("here", "name", "value"),
    [
        (Machine(8 * GB, 2, 100 * GB, GB), "shared_buffers", "2048MB"),
        (Machine(256 * GB, 64, 10000 * GB, GB), "shared_buffers", "4096MB"),
        (Machine(64 * MB, 1, GB, GB), "shared_buffers", "32MB"),
        (Machine(8 * GB, 2, 100 * GB, GB), "effective_cache_size", "6144MB"),
        (Machine(8 * GB, 2, 100 * GB, GB), "max_wal_size", "8192MB"),
        (Machine(8 * GB, 2, 4 * GB, GB), "max_wal_size", "512MB"),
        (Machine(8 * GB, 2, 100 * GB, 64 * MB), "dynamic_shared_memory_type", "mmap"),
        (Machine(8 * GB, 2, 100 * GB, GB), "fsync", "on"),
        (Machine(64 * MB, 1, GB, 0), "synchronous_commit", "on"),
    ],
)
def test_a_setting_fits_the_machine(here, name, value):
    assert tuned(here, connections=40)[name] == value


def test_quotes_in_a_value_are_doubled():
    assert "unix_socket_directories = '/tmp/it''s'" in written({"unix_socket_directories": "/tmp/it's"})
