"""Measurements as Prometheus's own client reads them."""

from collections.abc import Mapping

from prometheus_client.parser import text_string_to_metric_families

Labels = frozenset[tuple[str, str]]


class Measured(dict[tuple[str, Labels], float]):
    """Values by name and labels."""

    def __call__(self, name: str, **labels: str) -> float:
        """The value of the one sample with exactly these labels."""
        return self[name, frozenset(labels.items())]

    def by(self, name: str, label: str) -> Mapping[str, float]:
        """The values of one name by one of its labels."""
        return {dict(labels)[label]: v for (found, labels), v in self.items() if found == name}

    def names(self) -> set[str]:
        """The names that have a sample."""
        return {name for name, _ in self}


def measured(text: bytes) -> Measured:
    """Read what a scrape gave; the same sample twice is a fault."""
    found = Measured()
    for family in text_string_to_metric_families(text.decode()):
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in found, key
            found[key] = sample.value
    return found


def names_in(text: bytes) -> set[str]:
    """The names of all samples of a scrape."""
    return measured(text).names()
