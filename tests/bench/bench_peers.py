#!/usr/bin/env python3
"""The same graphs in other collectors, in the same run: marking alone, taking turns.

    bench_peers.py --ours PROGRAM [--boehm PROGRAM] [--java CLASSES] [--graph NAME]...
                   [--rounds N] [--divide D] [--json FILE]

Every program builds its graph once and then collects whenever it is told to (a line on its
stdin), so that all of them meet the same load of the machine in every round. The first
collection of each is thrown away: a copying collector rearranges its heap there.
Peers tell wall time only, so ours is wall time here too.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys

GRAPHS = ["G1", "G2", "G3-ordered", "G3-shuffled", "G4-ordered", "G4-shuffled", "G5", "G6"]
# How many times faster than the best of them we want to be.
GOALS = {
    "G1": {"boehm": 10, "jdk": 5},
    "G2": {"boehm": 10, "jdk": 5},
    "G5": {"boehm": 2, "jdk": 2},
    "G4-ordered": {"boehm": 1, "jdk": 1},
}
JAVA_OPTIONS = ["-Xms2200m", "-Xmx2200m", "-Xmn1500m", "-XX:+AlwaysPreTouch",
                "-XX:+UseTransparentHugePages",
                # Or the parallel collector would copy the graph into the order it is marked in.
                "-XX:-ScavengeBeforeFullGC", "-Xlog:gc+phases=debug:stdout:none"]
MARK_PHASE = re.compile(r"(?:Phase 1: Mark live objects|Marking Phase) ([0-9.]+)ms")
# What all of them together hold of the largest graph.
NEEDED_BYTES = 11 << 30


class Collector:
    """A program that marks its graph when told to."""

    def __init__(self, family, names, command, environment=None):
        self.family = family
        self.names = names
        self.samples = {name: [] for name in names}
        self.objects = None
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, env={**os.environ, **(environment or {})})
        self.read_until("ready")

    def read_until(self, last):
        lines = []
        for line in self.process.stdout:
            if line.split()[:1] == [last]:
                return lines + [line]
            lines.append(line)
        raise RuntimeError(f"{self.names[0]} ended early (status {self.process.wait()})")

    def collect(self, counts):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        lines = self.read_until("done")
        if counts:
            for name, milliseconds in zip(self.names, self.parse(lines)):
                self.samples[name].append(milliseconds)

    def parse(self, lines):
        return [float(lines[0])]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Ours(Collector):
    def parse(self, lines):
        self.objects = int(lines[-1].split()[1])
        return [float(line.split()[1]) for line in lines[:-1]]


class Java(Collector):
    def parse(self, lines):
        found = [MARK_PHASE.search(line) for line in lines]
        times = [float(match.group(1)) for match in found if match]
        if len(times) != 1:
            raise RuntimeError(f"{self.names[0]}: the log names {len(times)} mark phases, not one")
        return times


def available_bytes():
    with open("/proc/meminfo", encoding="ascii") as lines:
        for line in lines:
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return 0


def start_all(graph, options, started):
    divide = str(options.divide)
    started.append(Ours("ours", ["rudo-snap, 1 worker", "rudo-snap, 2 workers"],
                        [options.ours, "--serve", graph, "--divide", divide]))
    if options.boehm:
        for markers in (1, 2):
            started.append(Collector("boehm", [f"Boehm, GC_MARKERS={markers}"],
                                     [options.boehm, graph, divide],
                                     {"GC_MARKERS": str(markers)}))
    if options.java:
        kinds = [("JDK Serial", ["-XX:+UseSerialGC"])]
        kinds += [(f"JDK Parallel, {threads} thread{'s'[:threads - 1]}",
                   ["-XX:+UseParallelGC", f"-XX:ParallelGCThreads={threads}"])
                  for threads in (1, 2)]
        for name, kind in kinds:
            started.append(Java("jdk", [name], ["java", *kind, *JAVA_OPTIONS, "-cp", options.java,
                                                "PeerHeap", graph, divide]))


def measure(graph, options):
    """Rows of (family, name, sorted milliseconds), and how many objects are marked."""
    collectors = []
    try:
        start_all(graph, options, collectors)
        for round_number in range(options.rounds + 1):
            for collector in collectors:
                collector.collect(counts=round_number > 0)
    finally:
        for collector in collectors:
            collector.close()
    rows = [(collector.family, name, sorted(collector.samples[name]))
            for collector in collectors for name in collector.names]
    return rows, collectors[0].objects


def best(rows, family, figure):
    return min((figure(times) for row_family, _, times in rows if row_family == family),
               default=None)


def show(graph, rows, objects, rounds):
    print(f"{graph}: {objects} objects, {rounds} rounds; wall time of the mark phase")
    print(f"{'':24} {'median ms':>10} {'min ms':>10} {'Mo/s':>8} {'best':>8} {'we are':>9} {'at best':>9}")
    ours = best(rows, "ours", statistics.median), best(rows, "ours", min)
    for family, name, times in rows:
        median, least = statistics.median(times), min(times)
        ratio = "" if family == "ours" else f"{median / ours[0]:8.2f}x {least / ours[1]:8.2f}x"
        print(f"{name:24} {median:10.1f} {least:10.1f} {objects / median / 1e3:8.2f} "
              f"{objects / least / 1e3:8.2f} {ratio}")
    for family, goal in GOALS.get(graph, {}).items():
        theirs = best(rows, family, statistics.median), best(rows, family, min)
        if theirs[0] is None:
            continue
        print(f"  best of {family}: {theirs[0] / ours[0]:.2f}x our best by medians, "
              f"{theirs[1] / ours[1]:.2f}x by minima; goal {goal}x")
    print(flush=True)


def as_json(graph, rows, objects):
    return [{"graph": graph, "collector": name, "median_ms": statistics.median(times),
             "min_ms": min(times), "objects_per_second": round(objects / min(times) * 1e3)}
            for _, name, times in rows]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ours", required=True)
    parser.add_argument("--boehm")
    parser.add_argument("--java")
    parser.add_argument("--graph", action="append", choices=GRAPHS)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--divide", type=int, default=1)
    parser.add_argument("--json")
    options = parser.parse_args()
    results = []

    if available_bytes() < NEEDED_BYTES // options.divide:
        print(f"skipped: {NEEDED_BYTES >> 30} GiB of free memory are needed to hold the graph in "
              f"every collector at once, {available_bytes() >> 30} GiB are available")
        return 0
    for graph in options.graph or GRAPHS:
        rows, objects = measure(graph, options)
        show(graph, rows, objects, options.rounds)
        results += as_json(graph, rows, objects)
    if options.json:
        with open(options.json, "w", encoding="ascii") as out:
            json.dump({"results": results}, out, indent=1)
            out.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
