"""What names a person, a host or a network, and what is secret."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from envcheck.matrix import Matrix
from envcheck.model import Facts, known
from envcheck.redaction import Public, Redaction, redacted
from tests.formats import samples


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("https://bob:hunter2@pypi.corp/simple", "https://***@pypi.corp/simple"),
        ("https://token@pypi.corp/simple", "https://***@pypi.corp/simple"),
        ("ghp_" + "a1" * 18, "***"),
        ("github_pat_" + "a1" * 20, "***"),
        ("hf_" + "aB3" * 10, "***"),
        ("glpat-" + "x" * 20, "***"),
        ("AKIAIOSFODNN7EXAMPLE", "***"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-DEF", "***"),
        ("WANDB_API_KEY=0123456789", "WANDB_API_KEY=***"),
        ("password: hunter2, then", "password: ***, then"),
        ("a key of tokenizers 0.20", "a key of tokenizers 0.20"),
        ("sk-learn", "sk-learn"),
    ],
)
def test_secrets(text: str, becomes: str) -> None:
    assert Redaction("/home/alice", "lab-7").text(text) == becomes


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("connected to 10.1.2.3:8080", "connected to address:8080"),
        ("from 192.168.0.17", "from address"),
        ("at fe80::1ff:fe23:4567:890a, then", "at address, then"),
        ("on 00:1e:67:aa:bb:cc", "on hardware address"),
        ("alice@example.com", "mail address"),
        ("/home/bob/x and /Users/eve/y", "/home/user/x and /Users/user/y"),
        ("C:\\Users\\eve\\y", "C:\\Users\\user\\y"),
        ("127.0.0.1 and ::1", "127.0.0.1 and ::1"),
        # What looks like an address and is none.
        ("cuDNN 8.9.4.25", "cuDNN 8.9.4.25"),
        ("nvidia-cufft-cu11==10.9.0.58", "nvidia-cufft-cu11==10.9.0.58"),
        ("nvidia_cudnn_cu12-9.3.0.75.dist-info", "nvidia_cudnn_cu12-9.3.0.75.dist-info"),
        ("libcusolver.so.11.4.1.48", "libcusolver.so.11.4.1.48"),
        ("510.39.01.1", "510.39.01.1"),
        ("found 9.3.0.75", "found 9.3.0.75"),
        ("0000:01:00.0", "0000:01:00.0"),
        ("c10::cuda::a1", "c10::cuda::a1"),
        ("at 12:34:56", "at 12:34:56"),
        ("::error::x", "::error::x"),
    ],
)
def test_addresses(text: str, becomes: str) -> None:
    public = Public("/home/alice", "lab-7", frozenset({"9.3.0.75"}))
    assert public.text(text) == becomes


def test_a_whole_report(machine: Callable[..., Facts], matrix: Matrix) -> None:
    secret = "/home/alice/x lab-7 10.0.0.7 https://a:b@c"
    facts = machine("linux-rtx4090-tf220-wheels").merged({"loader.note": known([secret], secret)})
    built = samples.report_of(facts, matrix, [samples.in_code(3, file="/home/alice/train.py")])
    clean = redacted(built, "/home/alice", "lab-7")
    text = repr((clean.facts._facts, clean.findings, clean.stack))
    for word in ("alice", "lab-7", "10.0.0.7", "a:b"):
        assert word not in text
    # The versions that have four numbers, too, are what the report is about.
    assert (
        clean.stack[3].version
        == built.stack[3].version
        == ("9.3.0.75, TensorFlow was built with 9")
    )
    assert [finding.code for finding in clean.findings] == (
        [finding.code for finding in built.findings]
    )
