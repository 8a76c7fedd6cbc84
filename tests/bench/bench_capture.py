#!/usr/bin/env python3
"""What a capture costs the process that is captured, by every method, and beside gcore.

    bench_capture.py --tool RUDO_SNAP --writer CAPTURE_WRITER [--sample C_HEAP --reload BENCH_RELOAD]
                     [--mib 1024,4096] [--writes 1000,10000,100000] [--threads 4,16,64]
                     [--methods precopy,fork,ownfork,stop,gcore,jmap] [--rounds 5] [--json FILE]

Methods take turns, so that what else the machine does meets all of them. `pause` is what rudo-snap
itself notes, first interrupt to last detach of the longest stop; `seen` is what the process notices:
by how much a thread's turn, which is due each millisecond, was late. That has in it what the machine
does to the process anyway, which the row `nothing` shows: it waits as long as a capture takes. `ownfork`
is the process forking itself, which method fork cannot be better than. `jmap` dumps the live objects
of a Java process with as many MiB of them, which has nothing else to do.
"""
import argparse
import json
import mmap
import os
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import time


# A dump takes half a minute for each GiB.
MAX_JAVA_ROUNDS = 3


class Target:
    """A running process that notes what it notices: capture_writer, or CapturedHeap."""

    def __init__(self, folder, command):
        figures = os.path.join(folder, "figures")
        self.process = subprocess.Popen([part.replace("FIGURES", figures) for part in command],
                                        stdout=subprocess.PIPE)
        self.process.stdout.readline()
        with open(figures, "r+b") as file:
            self.memory = mmap.mmap(file.fileno(), 24)
        time.sleep(1)

    def longest_ns(self):
        return struct.unpack_from("q", self.memory, 8)[0]

    def forget(self):
        struct.pack_into("q", self.memory, 8, 0)

    def fork(self):
        """Has it fork itself; how long that took, in ns."""
        struct.pack_into("q", self.memory, 16, 0)
        self.process.send_signal(signal.SIGUSR1)
        while struct.unpack_from("q", self.memory, 16)[0] == 0:
            time.sleep(0.001)
        return struct.unpack_from("q", self.memory, 16)[0]

    def end(self):
        self.memory.close()
        self.process.kill()
        self.process.wait()


def run(command):
    """Runs it; its CPU and wall time in seconds. None: it failed."""
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    reason = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    if status != 0:
        print(f"  {' '.join(command)}: {reason.decode(errors='replace').strip()[:200]}")
        return None
    return usage.ru_utime + usage.ru_stime, time.monotonic() - began


def capture(options, pid, method, folder):
    """One capture; what it cost. None: it failed."""
    path = os.path.join(folder, "heap.zst")
    times = run([options.tool, "capture", "--pid", str(pid), "--method", method, "--force",
                 "--output", path])
    if times is None:
        return None
    info = json.loads(subprocess.check_output([options.tool, "info", "--json", path]))["capture"]
    worst = max(info["stops"],
                key=lambda stop: stop["stopping_ns"] + stop["working_ns"] + stop["resuming_ns"])
    last = next((stop for stop in info["stops"] if stop["phase"] == "last"), worst)
    return {"pause_ms": info["pause_ns"] / 1e6, "stopping_ms": last["stopping_ns"] / 1e6,
            "working_ms": last["working_ns"] / 1e6, "resuming_ms": last["resuming_ns"] / 1e6,
            "pages": last["pages"], "rounds": len(info["rounds"]),
            "cpu_s": times[0], "wall_s": times[1],
            "resident_bytes": info["resident_bytes"], "file_bytes": os.path.getsize(path)}


def dump_java(pid, folder):
    """What it cost to dump the live objects of a Java process. None: it failed."""
    path = os.path.join(folder, "heap.hprof")
    times = run(["jmap", f"-dump:live,format=b,file={path}", str(pid)])
    if times is None:
        return None
    size = os.path.getsize(path)
    os.unlink(path)
    return {"cpu_s": times[0], "wall_s": times[1], "file_bytes": size}


def take_turn(options, writer, method, folder, seconds):
    """One turn of a method, or of none."""
    writer.forget()
    if method == "nothing":
        time.sleep(seconds)
        found = {}
    elif method == "ownfork":
        found = {"pause_ms": writer.fork() / 1e6}
    elif method == "jmap":
        found = dump_java(writer.process.pid, folder)
    elif method == "gcore":
        core = os.path.join(folder, "core")
        times = run(["gcore", "-o", core, str(writer.process.pid)])
        found = None if times is None else {"cpu_s": times[0], "wall_s": times[1]}
        for name in os.listdir(folder):
            if name.startswith("core"):
                os.unlink(os.path.join(folder, name))
    else:
        found = capture(options, writer.process.pid, method, folder)
    if found is not None:
        time.sleep(0.01)
        found["seen_ms"] = writer.longest_ns() / 1e6
    return found


def medians(turns):
    return {key: statistics.median(turn[key] for turn in turns) for key in turns[0]}


def bench_target(options, methods, case, command):
    """All methods on one process; `case` says which, as columns of a row."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        writer = Target(folder, command)
        turns = {method: [] for method in ["nothing"] + methods}
        seconds = 0.3
        for _ in range(options.rounds):
            for method, found in turns.items():
                result = take_turn(options, writer, method, folder, seconds)
                if result is not None:
                    found.append(result)
                    seconds = min(result.get("wall_s", seconds), 3)
        writer.end()
    for method, found in turns.items():
        if not found:
            continue
        row = {**case, "method": method, "turns": len(found)}
        row.update(medians(found))
        if "pause_ms" in row:
            row["least_pause_ms"] = min(turn["pause_ms"] for turn in found)
        rows.append(row)
        print_row(row)
    return rows


def bench_writer(options, mib, writes, threads):
    case = {"mib": mib, "writes": writes, "threads": threads}
    methods = [method for method in options.methods if method != "jmap"]
    return bench_target(options, methods, case,
                        [options.writer, "FIGURES", str(mib), str(writes), str(threads)])


def bench_java(options, mib):
    source = os.path.join(os.path.dirname(__file__), "peers", "CapturedHeap.java")
    case = {"mib": mib, "writes": 0, "threads": 1}
    return bench_target(options, ["jmap"], case,
                        ["java", "-XX:+UseSerialGC", f"-Xms{2 * mib}m", f"-Xmx{2 * mib}m", source,
                         "FIGURES", str(mib)])


HEADINGS = ["MiB", "writes/s", "threads", "method", "pause", "(least)", "seen", "stop", "work",
            "resume", "pages", "rounds", "wall s", "CPU s"]
FORMAT = "{:>5} {:>8} {:>7} {:8} {:>9} {:>9} {:>9} {:>8} {:>8} {:>8} {:>8} {:>6} {:>7} {:>6}"


def number(row, key, digits):
    return f"{row[key]:.{digits}f}" if key in row else ""


def print_row(row):
    print(FORMAT.format(row["mib"], row["writes"], row["threads"], row["method"],
                        number(row, "pause_ms", 2), number(row, "least_pause_ms", 2),
                        number(row, "seen_ms", 2), number(row, "stopping_ms", 2),
                        number(row, "working_ms", 2), number(row, "resuming_ms", 2),
                        number(row, "pages", 0), number(row, "rounds", 0),
                        number(row, "wall_s", 2), number(row, "cpu_s", 2)), flush=True)


def bench_heap(options):
    """Capture, compression and reload of a heap with objects of all kinds."""
    with tempfile.TemporaryDirectory() as folder:
        sample = subprocess.Popen([options.sample, "--threads", "8", "--objects",
                                   str(options.objects), "--seconds", "600"],
                                  stdout=subprocess.PIPE)
        for line in sample.stdout:
            if b"}" in line:
                break
        turns = [capture(options, sample.pid, "precopy", folder)
                 for _ in range(options.rounds)]
        sample.kill()
        sample.wait()
        turns = [turn for turn in turns if turn is not None]
        if not turns:
            return {}
        row = medians(turns)
        said = subprocess.check_output([options.reload, os.path.join(folder, "heap.zst"), "5",
                                        "1"]).split()
    row["heap_bytes"] = int(said[0])
    row["ratio"] = row["resident_bytes"] / row["file_bytes"]
    row["capture_gb_per_cpu_s"] = row["resident_bytes"] / row["cpu_s"] / 1e9
    row["reload_gb_per_cpu_s"] = row["heap_bytes"] / float(said[1]) / 1e9
    print(f"\nC sample, {row['resident_bytes'] / 2**20:.0f} MiB: {row['ratio']:.1f}x smaller, "
          f"captured at {row['capture_gb_per_cpu_s']:.2f} GB per CPU second, "
          f"read again at {row['reload_gb_per_cpu_s']:.2f}")
    return row


def numbers(text):
    return [int(part) for part in text.split(",")]


def parse_options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tool", required=True)
    parser.add_argument("--writer", required=True)
    parser.add_argument("--sample")
    parser.add_argument("--reload")
    parser.add_argument("--objects", type=int, default=200000)
    parser.add_argument("--mib", type=numbers, default=[1024, 4096])
    parser.add_argument("--writes", type=numbers, default=[1000, 10000, 100000])
    parser.add_argument("--threads", type=numbers, default=[4, 16, 64])
    parser.add_argument("--methods", type=lambda text: text.split(","),
                        default=["precopy", "fork", "ownfork", "stop", "gcore", "jmap"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json")
    return parser.parse_args()


def main():
    options = parse_options()
    for tool, package in (("gcore", "gdb"), ("jmap", "default-jdk-headless")):
        if tool in options.methods and shutil.which(tool) is None:
            print(f"skipped: {tool}, it is not here (package {package})")
            options.methods.remove(tool)
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs; times in ms, medians of "
          f"{options.rounds}\n")
    print(FORMAT.format(*HEADINGS))
    rows = [row for mib in options.mib for writes in options.writes for threads in options.threads
            for row in bench_writer(options, mib, writes, threads)]
    if "jmap" in options.methods:
        options.rounds = min(options.rounds, MAX_JAVA_ROUNDS)
        rows += bench_java(options, min(options.mib))
    result = {"rows": rows}
    if options.sample and options.reload:
        result["sample"] = bench_heap(options)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(result, file, indent=1)
            file.write("\n")
    print(f"\nload average {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    sys.exit(main())
