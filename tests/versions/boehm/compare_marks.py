#!/usr/bin/env python3
"""Compares the marks that a Boehm collector wrote with those of rudo-snap.

    compare_marks.py COLLECTED OBJECTS REACHABILITY

COLLECTED: of write_collected_marks(); OBJECTS, REACHABILITY: `rudo-snap mark --objects, --json`.
The collector marks the slots on free lists of threads, too; those are not allocated here. Prints
each object that one of the two alone has, and last a line with the counts.
"""
import json
import sys

collected, allocated, reachable, types, told = set(), set(), set(), {}, {}
for line in open(sys.argv[1]):
    words = line.split()
    if len(words) == 2:
        told[words[0]] = int(words[1], 16)
    else:
        collected.add(int(words[0], 16))
for line in open(sys.argv[2]):
    item = json.loads(line)
    address = int(item["address"], 16)
    allocated.add(address)
    types[address] = item["type_label"]
    if item["reachable"]:
        reachable.add(address)
totals = json.load(open(sys.argv[3]))["totals"]
on_lists = collected - allocated
collected -= on_lists
missing, extra = collected - reachable, reachable - collected
for address in sorted(missing)[:50]:
    print("# the collector alone: %#x %s" % (address, types[address]))
for address in sorted(extra)[:50]:
    print("# rudo-snap alone: %#x %s" % (address, types[address]))
in_use = told["heap"] - told["free"]
print("# collector %d, rudo-snap %d, the collector alone %d, rudo-snap alone %d, on free lists %d, bytes in use %d and %d"
      % (len(collected), len(reachable), len(missing), len(extra), len(on_lists), in_use, totals["heap_bytes"]))
print("missing %s, extra %d, bytes in use %s"
      % ("at most 10" if len(missing) <= 10 else len(missing), len(extra),
         "equal" if in_use == totals["heap_bytes"] else "differ"))
