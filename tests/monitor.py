"""What a run says over HTTP: its pages, and its numbers as Prometheus reads them."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable

from prometheus_client.parser import text_string_to_metric_families

from tests.waiting import wait_for


def asked(port: int, page: str, method: str = "GET") -> tuple[int, str]:
    """Status and body; (0, "") while nothing answers."""
    try:
        with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}{page}", method=method), timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


def comes(port: int, page: str, wanted: Callable[[int, str], bool], timeout_s: float = 30) -> str:
    """Ask until the answer is as wanted."""
    answer = (0, "")

    def came() -> bool:
        nonlocal answer
        answer = asked(port, page)
        return wanted(*answer)

    wait_for(came, timeout_s, but=lambda: answer)
    return answer[1]


def scraped(port: int) -> dict[str, dict[tuple[str, ...], float]]:
    """Every sample by name and label values (in the order of the labels' names), as another program's parser reads it."""
    text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5).read().decode()
    samples: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            samples.setdefault(sample.name, {})[tuple(value for _, value in sorted(sample.labels.items()))] = sample.value
    return samples
