#!/usr/bin/env python3
"""What `rudo-snap replay` takes for many small heaps, and whether a big one grows from seed to seed.

    bench_replay.py RUDO_SNAP C_HEAP FOLDER [--heaps N] [--objects N] [--big N] [--rounds N]

Heaps are made by the C sample, which writes them itself: N objects each of another seed, and a big
one. Prints tables in Markdown, medians of rounds in which all ways took turns. Fails when marks
differ from each other or from their goldens, or when memory grew.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time

SEEDS = 20
WORKERS = "1,2,4,8,16"
# What a later seed may need beyond the first one: allocators keep no exact books.
MOST_GROWTH = 1.05


def make_heaps(program, folder, prefix, threads, objects, seeds):
    """Heaps of `objects` reachable objects, and one in ten more each of garbage and zombies."""
    os.makedirs(folder)
    objects //= threads
    for seed in seeds:
        subprocess.run(
            [program, "--threads", str(threads), "--objects", str(objects), "--garbage", str(objects // 10),
             "--zombies", str(objects // 10), "--seed", str(seed), "--seconds", "0",
             "--snapshot", f"{folder}/{prefix}{seed}.zst"],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def replay(program, *arguments):
    """Runs a replay; gives wall and CPU seconds and the peak of resident memory in MiB, which is at
    least what this interpreter had when it started it."""
    start = time.monotonic()
    process = subprocess.Popen([program, "replay", "--progress", "never", "-q", *arguments])
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - start
    if process.returncode != 0:
        sys.exit(f"bench_replay: {' '.join(process.args)}: status {process.returncode}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def median_of_rounds(rounds, ways):
    results = [[way() for way in ways] for _ in range(rounds)]
    return [tuple(statistics.median(column) for column in zip(*way)) for way in zip(*results)]


def bench_small(options, folder):
    heaps, golden = f"{folder}/small", f"{folder}/golden"
    make_heaps(options.c_heap, heaps, "heap", 1, options.objects, range(1, options.heaps + 1))
    replay(options.rudo_snap, heaps, "--golden", golden, "--update", "--workers", "1", "--seeds", "1")
    policies = ["steal", "owner", "steal,owner"]
    ways = [lambda policy=policy: replay(options.rudo_snap, heaps, "--golden", golden, "--workers", WORKERS,
                                         "--seeds", f"1..{SEEDS}", "--policy", policy)
            for policy in policies]
    print(f"{options.heaps} heaps of {options.objects:,} objects, 5 worker counts, {SEEDS} seeds:\n")
    print("| policies | scheduled marks | wall, s | CPU, s |\n| --- | --: | --: | --: |")
    for policy, (wall, cpu, _) in zip(policies, median_of_rounds(options.rounds, ways)):
        marks = options.heaps * 5 * SEEDS * (1 + policy.count(","))
        print(f"| {policy} | {marks:,} | {wall:.2f} | {cpu:.2f} |", flush=True)


def bench_big(options, folder):
    make_heaps(options.c_heap, f"{folder}/big", "heap", 8, options.big, [1])
    print(f"\nOne heap of {options.big:,} objects, 5 worker counts, both policies:\n")
    print("| seeds | scheduled marks | wall, s | CPU, s | peak, MiB |\n| --: | --: | --: | --: | --: |")
    peaks = []
    for seeds in 1, SEEDS:
        wall, cpu, peak = replay(options.rudo_snap, f"{folder}/big", "--workers", WORKERS,
                                 "--seeds", f"1..{seeds}", "--policy", "steal,owner")
        print(f"| {seeds} | {10 * seeds} | {wall:.2f} | {cpu:.2f} | {peak:.1f} |", flush=True)
        peaks.append(peak)
    if peaks[1] > MOST_GROWTH * peaks[0]:
        sys.exit("bench_replay: memory grew from seed to seed")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rudo_snap")
    parser.add_argument("c_heap")
    parser.add_argument("folder")
    parser.add_argument("--heaps", type=int, default=100)
    parser.add_argument("--objects", type=int, default=1000)
    parser.add_argument("--big", type=int, default=1000000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    shutil.rmtree(options.folder, ignore_errors=True)
    bench_small(options, options.folder)
    bench_big(options, options.folder)
    shutil.rmtree(options.folder)


if __name__ == "__main__":
    main()
