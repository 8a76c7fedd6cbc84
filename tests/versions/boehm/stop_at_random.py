#!/usr/bin/env python3
"""Stops a program of busy.c at random moments, captures it, and compares.

    stop_at_random.py RUDO_SNAP PID RING ENTRIES STOPS SEED WORK

Each kept object must be reachable, and each object must be one of the program: a thread may have
a list of new ones in its registers (at most a block of them), or be filling one. Prints the
counts of stops by outcome; the first few wrong ones are explained.
"""
import collections
import json
import os
import random
import signal
import struct
import subprocess
import sys
import time

MAGIC = 0x5bd1e995a7c3f10d
tool, pid, ring, entries, stops, seed, work = sys.argv[1:8]
pid, ring, entries, stops = int(pid), int(ring, 16), int(entries), int(stops)
random.seed(int(seed))
threads = len(os.listdir("/proc/%d/task" % pid))
counts = collections.Counter()


def wait_for_stop():
    for _ in range(2000):
        states = [open("/proc/%d/task/%s/stat" % (pid, task)).read().rpartition(")")[2].split()[0]
                  for task in os.listdir("/proc/%d/task" % pid)]
        if all(state in "tT" for state in states):
            return
        time.sleep(0.002)
    raise SystemExit("it does not stop")


def compare(memory):
    heap = "%s/stop.zst" % work
    result = subprocess.run([tool, "capture", "-q", "-f", "--pid", str(pid), "-o", heap,
                             "--wait-collection", "0"], capture_output=True, text=True)
    if result.returncode != 0:
        return "refused", result.stderr.strip().split("\n")[0]
    marked = subprocess.run([tool, "mark", "-q", "--objects", "-", "--json", heap + ".json", heap],
                            capture_output=True, text=True)
    if marked.returncode != 0:
        return "wrong", marked.stderr
    objects = {}
    for line in marked.stdout.splitlines():
        item = json.loads(line)
        objects[int(item["address"], 16)] = item["reachable"]
    kept = struct.unpack("<%dQ" % entries, os.pread(memory, 8 * entries, ring))
    lost = [object for object in kept if object != 0 and not objects.get(object)]
    other = [object for object in objects
             if struct.unpack("<Q", os.pread(memory, 8, object))[0] != object ^ MAGIC]
    if lost:
        return "wrong", "%d of %d kept objects are not reachable" % (len(lost), len(kept))
    is_complete = json.load(open(heap + ".json"))["snapshot"]["complete"]
    if is_complete and len(other) > 256 * threads + 64:
        # Without symbols, behind a collection whose blocks are not on the lists of those that wait yet.
        if sum(objects[object] for object in other) > 256 * threads + 64:
            return "wrong", "%d of %d objects are not the program's" % (len(other), len(objects))
        return "right, with free slots as garbage", ""
    return ("right" if is_complete else "right, in a collection"), ""


memory = os.open("/proc/%d/mem" % pid, os.O_RDONLY)
for stop in range(stops):
    time.sleep(random.random() * 0.05)
    os.kill(pid, signal.SIGSTOP)
    wait_for_stop()
    outcome, why = compare(memory)
    counts[outcome] += 1
    if outcome in ("wrong", "refused") and counts[outcome] <= 3:
        print("# stop %d: %s: %s" % (stop, outcome, why))
    os.kill(pid, signal.SIGCONT)
print("# " + ", ".join("%d %s" % (counts[outcome], outcome) for outcome in sorted(counts)))
rare = counts["refused"] + counts["right, with free slots as garbage"]
print("%d wrong, refused %s" % (counts["wrong"], "rarely" if 20 * rare <= stops + 19 else rare))
