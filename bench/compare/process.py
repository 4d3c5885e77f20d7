"""What a server costs, read from /proc: processor time and memory of its whole process tree."""

import os
import time
from pathlib import Path

TICK = 1 / os.sysconf("SC_CLK_TCK")

# A server that writes its log late pays for it: its time is read once it has been still for this long …
STILL_SECONDS = 0.1
# … or after this long, because some servers wake up now and then for ever.
SETTLE_SECONDS = 2.0


def _stat(pid):
    """The fields of /proc/PID/stat from field 3, the state, on (proc(5)); None when the process is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field is the program's name in parentheses, which may itself hold spaces and parentheses.
    return text.rpartition(")")[2].split()


def tree(root):
    """The process ids of `root` and all its living descendants."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit() and (stat := _stat(entry)):
            children.setdefault(int(stat[1]), []).append(int(entry))
    found = [root]
    for pid in found:
        found.extend(children.get(pid, []))
    return found


def cpu_seconds(root):
    """User and system time of the tree: all threads, ended ones too, and children that were waited for."""
    stats = [stat for pid in tree(root) if (stat := _stat(pid))]
    # Fields 14 to 17 of proc(5): utime, stime, cutime, cstime. They hold the time of ended threads as well.
    return sum(int(field) for stat in stats for field in stat[11:15]) * TICK


def settled_cpu_seconds(root):
    """As `cpu_seconds`, once the server has finished what it had put off."""
    deadline = time.monotonic() + SETTLE_SECONDS
    before = cpu_seconds(root)
    while time.monotonic() < deadline:
        time.sleep(STILL_SECONDS)
        now = cpu_seconds(root)
        if now == before:
            break
        before = now
    return before


def pss_kib(root):
    """Proportional set size of the tree in KiB: its own memory and its share of what it shares."""
    total = 0
    for pid in tree(root):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total
