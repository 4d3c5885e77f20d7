"""The figures: medians over the rounds, ratios, and how they are shown and written."""

import json
import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from .load import Measurement
from .rows import Row, Unit

OURS = "tallyd"
FLOOR = "floor"
ABSENT = "–"


@dataclass(frozen=True)
class Measured:
    """One server as it was measured, with its memory before and after all rounds."""

    name: str
    version: str
    pss_before_kib: int
    pss_after_kib: int


class Outcome:
    """All measurements of one row, by server name."""

    def __init__(self, row: Row, rounds: dict[str, list[Measurement]]):
        self.row = row
        self.rounds = rounds

    def per_cpu_second(self, name):
        """Median work per CPU-second; None for a server that this row does not measure."""
        if name not in self.rounds:
            return None
        return median(one.per_cpu_second(self.row.unit) for one in self.rounds[name])

    def per_second(self, name):
        """Median work per second of wall time."""
        return median(one.per_second(self.row.unit) for one in self.rounds[name])

    def busy(self, name):
        """Median share of one core that the server used while it was driven."""
        return median(one.cpu_seconds / one.wall_seconds for one in self.rounds[name])

    def spread(self):
        """The widest distance between two rounds of one server, as a share of its median; None for one round."""
        if all(len(rounds) == 1 for rounds in self.rounds.values()):
            return None
        spreads = []
        for name, rounds in self.rounds.items():
            values = [one.per_cpu_second(self.row.unit) for one in rounds]
            spreads.append((max(values) - min(values)) / self.per_cpu_second(name))
        return max(spreads)

    def best_peer(self):
        peers = [name for name in self.rounds if name not in (OURS, FLOOR)]
        return max(peers, key=self.per_cpu_second, default=None)

    def ratio_to(self, name):
        """tallyd's median over `name`'s; None when either was not measured."""
        ours, theirs = self.per_cpu_second(OURS), self.per_cpu_second(name)
        return ours / theirs if ours is not None and theirs is not None else None


def print_tables(outcomes, names):
    """Work per CPU-second with the ratios first, then what the wall clock saw."""
    print("\nWork per CPU-second of the server (median over the rounds)\n")
    heading = ["", *names, f"{OURS} ÷ best peer", f"{OURS} ÷ {FLOOR}", "widest spread"]
    _print_table(heading, [
        [_title(outcome),
         *(_number(outcome.per_cpu_second(name)) for name in names),
         _against_best(outcome),
         _ratio(outcome.ratio_to(FLOOR)),
         _share(outcome.spread())]
        for outcome in outcomes])
    print("\nWork per second of wall time, and the share of its core that the server used for it\n")
    _print_table(["", *names], [
        [_title(outcome), *(_wall(outcome, name) for name in names)] for outcome in outcomes])


def print_servers(servers, machine):
    """What was measured, its memory, and on what."""
    print("\nServers (PSS: memory of the process tree before the first and after the last request)\n")
    _print_table(["", "PSS before", "PSS after", "version"], [
        [one.name, f"{one.pss_before_kib / 1024:.1f} MiB", f"{one.pss_after_kib / 1024:.1f} MiB", one.version]
        for one in servers], left_from=3)
    print(f"\n{machine['processor']}, Linux {machine['kernel']}, {machine['load_generator']}")


def write_json(file, outcomes, servers, machine, settings):
    """Everything that was measured, each round by itself, for other programs."""
    rows = []
    for outcome in outcomes:
        unit = outcome.row.unit
        rows.append({
            "name": outcome.row.name,
            "title": outcome.row.title,
            "unit": unit.value,
            "per_cpu_second": {name: outcome.per_cpu_second(name) for name in outcome.rounds},
            "per_second": {name: outcome.per_second(name) for name in outcome.rounds},
            "busy": {name: outcome.busy(name) for name in outcome.rounds},
            "best_peer": outcome.best_peer(),
            "ratio_to_best_peer": outcome.ratio_to(outcome.best_peer()),
            "ratio_to_floor": outcome.ratio_to(FLOOR),
            "spread": outcome.spread(),
            "rounds": {name: [asdict(one) for one in rounds] for name, rounds in outcome.rounds.items()},
        })
    document = {"machine": machine, "settings": settings, "servers": [asdict(one) for one in servers],
                "rows": rows}
    file.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def machine(load_generator):
    """What the figures were measured on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {"processor": f"{models[0] if models else platform.machine()}, {os.cpu_count()} CPUs",
            "kernel": platform.release(), "load_generator": load_generator}


def _title(outcome):
    return f"{outcome.row.title} [{'req' if outcome.row.unit is Unit.REQUESTS else outcome.row.unit.value}]"


def _number(value):
    return ABSENT if value is None else f"{value:,.0f}"


def _ratio(value):
    return ABSENT if value is None else f"{value:.2f}"


def _share(value):
    return ABSENT if value is None else f"{value:.1%}"


def _against_best(outcome):
    best = outcome.best_peer()
    ratio = outcome.ratio_to(best)
    return ABSENT if ratio is None else f"{ratio:.2f} ({best})"


def _wall(outcome, name):
    if name not in outcome.rounds:
        return ABSENT
    return f"{outcome.per_second(name):,.0f} at {outcome.busy(name):.0%}"


def _print_table(heading, lines, left_from=None):
    """A Markdown table, aligned so that it reads well as plain text too."""
    table = [heading, *lines]
    widths = [max(len(line[column]) for line in table) for column in range(len(heading))]
    left = [column == 0 or (left_from is not None and column >= left_from) for column in range(len(heading))]
    rule = [":" + "-" * (width - 1) if is_left else "-" * (width - 1) + ":"
            for width, is_left in zip(widths, left)]
    for line in [heading, rule, *lines]:
        cells = [cell.ljust(width) if is_left else cell.rjust(width)
                 for cell, width, is_left in zip(line, widths, left)]
        print("| " + " | ".join(cells) + " |")
