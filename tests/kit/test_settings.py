"""Settings: where they come from, which wins, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from minkang.kit import settings
from minkang.kit.trouble import BadSetting


def test_nothing_set_gives_the_defaults():
    found = settings.load({})
    assert (found.host, found.port, found.token, found.database_url) == ("127.0.0.1", 8000, None, None)
    assert found.workers >= 1


def test_the_command_line_wins_over_the_environment():
    found = settings.load({"MINKANG_PORT": "1", "MINKANG_LOG_LEVEL": "DEBUG"}, port="2", data=None)
    assert (found.port, found.log_level) == (2, "debug")


def test_an_empty_variable_counts_as_not_set():
    assert settings.load({"MINKANG_TOKEN": "", "MINKANG_PORT": ""}).port == 8000


@pytest.mark.parametrize(
    ("text", "size"), [("1", 1), ("64k", 65536), ("50M", 52428800), ("2g", 2 << 30), ("10MB", 10 << 20)]
)
def test_a_size_may_have_a_unit(text, size):
    assert settings.load({"MINKANG_MAX_BODY": text}).max_body == size


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("MINKANG_PORT", "65536", "MINKANG_PORT must be a whole number from 0 to 65535, not '65536'."),
        ("MINKANG_PORT", "-1", "a whole number"),
        ("MINKANG_PORT", "８０", "a whole number"),
        ("MINKANG_MAX_BODY", "0", "a size like 50M"),
        ("MINKANG_MAX_BODY", "many", "a size like 50M"),
        ("MINKANG_LOG_LEVEL", "loud", "one of debug, info, warning, error"),
        ("MINKANG_BASE_URL", "fhir.example.org", "a URL like https://"),
        ("MINKANG_BASE_URL", "https://x/fhir?a=1", "a URL like https://"),
        ("MINKANG_DATABASE_URL", "host=x", "a URL like postgresql://"),
        ("MINKANG_TOKEN", "two words", "at least 8 letters"),
    ],
)
def test_a_bad_value_is_refused_in_one_sentence_that_names_the_setting(variable, value, sentence):
    with pytest.raises(BadSetting) as caught:
        settings.load({variable: value})
    assert sentence in str(caught.value)
    assert variable in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("variable", "value"),
    [("MINKANG_TOKEN", "geheim geheim"), ("MINKANG_DATABASE_URL", "mysql://user:geheim@host/x")],
)
def test_a_refused_secret_is_not_repeated(variable, value):
    with pytest.raises(BadSetting) as caught:
        settings.load({variable: value})
    assert "geheim" not in str(caught.value)


def test_secrets_are_not_in_the_representation():
    found = settings.load({"MINKANG_TOKEN": "geheim-geheim", "MINKANG_DATABASE_URL": "postgresql://u:geheim@h/d"})
    assert "geheim" not in repr(found)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "platform.example.org"])
def test_an_address_others_can_reach_needs_a_token(host):
    with pytest.raises(BadSetting, match="a token is needed"):
        settings.load({"MINKANG_HOST": host})
    assert settings.load({"MINKANG_HOST": host, "MINKANG_TOKEN": "0123456789"}).host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_an_address_of_this_machine_alone_needs_none(host):
    assert settings.load({"MINKANG_HOST": host}).token is None


def test_another_process_reads_the_same_settings_from_the_environment():
    environment = {
        "MINKANG_DATA": "/somewhere/else",
        "MINKANG_TOKEN": "0123456789",
        "MINKANG_MAX_BODY": "1M",
        "MINKANG_POSTGRES_BIN": "/opt/postgresql/bin",
        "MINKANG_BASE_URL": "https://fhir.example.org/fhir/",
    }
    found = settings.load(environment)
    assert settings.load(settings.to_environment(found)) == found
    assert found.data == Path("/somewhere/else")
    assert found.base_url == "https://fhir.example.org/fhir"


def test_every_setting_is_described():
    rows = settings.describe()
    assert [name for name, _, _ in rows][:2] == ["MINKANG_DATA", "MINKANG_HOST"]
    assert all(text.endswith(".") for _, _, text in rows)
    assert ("MINKANG_PORT", "8000", "Port to listen on. 0 takes a free one and says which.") in rows
