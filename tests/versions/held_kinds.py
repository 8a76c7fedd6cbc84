# Compares what a snapshot says with what the program said (held_kinds.sh): prints subject, found and expected, with tabs.
#
#   held_kinds.py FOLDER KIND BUILD    FOLDER has truth, mark.json, precise.json, report.json, report.txt

import json
import sys


def read(name):
    with open(sys.argv[1] + "/" + name) as file:
        return json.load(file)


# Slots without a value that nothing in a snapshot tells from others: of persistent maps and vectors, of messages that were
# received, behind the length of a B-tree's node or of a SmallVec, and behind that of a Vec whose header is on a stack or
# in a variable. Removed objects may be kept.
UNKNOWN_SLOTS = (
    "btreemap btreeset smallvec smallvecs im-vector im-hashmap im-ordmap rpds-vector rpds-map static threads scoped"
    " mpsc sync-channel crossbeam crossbeam-bounded tokio-channel tokio-bounded"
).split()

truth, mark, precise, report = read("truth"), read("mark.json"), read("precise.json"), read("report.json")
with open(sys.argv[1] + "/report.txt") as file:
    verdict = file.read().split("\n\n")[1]
totals, memory = mark["totals"], report["memory"]
reachable = truth["reachable"]
first, second = totals["reachable_objects"], totals["reachable_without_residue_objects"]
exact = precise["totals"]["reachable_objects"]
most = reachable + reachable // 1000
if sys.argv[2] in UNKNOWN_SLOTS:
    most = reachable + truth["removed"]


def compare(subject, found, expected):
    print(subject, found, expected, sep="\t")


compare("objects, zombies", f"{totals['objects']} {totals['zombies']}", f"{truth['objects']} {truth['zombies']}")
compare(
    f"reachable {first}, without residue {second}, precise {exact}, of {reachable}",
    (reachable <= min(first, second, exact), min(first, second, exact) <= most),
    (True, True),
)
unexplained = memory["resident_bytes"] - memory["explained_bytes"]
compare(
    f"{unexplained} of {memory['resident_bytes']} bytes are not explained",
    abs(unexplained) * 50 <= memory["resident_bytes"],
    True,
)
compare("references overlooked", mark["snapshot"]["references_overlooked"], 0)
suspect = report["suspects"][0] if report["suspects"] else {"type": None, "objects": 0, "bytes": 0}
compare(
    f"verdict: {' '.join(verdict.split())}",
    (
        verdict.startswith("likely leak"),
        suspect["type"],
        truth["leaked"] * 0.9 <= suspect["objects"] <= truth["leaked"] * 1.25,
    ),
    (True, truth["leaking_type"], True),
)
if truth["text_bytes"] > 0:
    # malloc gives each block a little more than was asked for; jemalloc and mimalloc have size classes.
    kept = suspect["retained_bytes"] - 500 * 256
    most = 1.01 if sys.argv[3] in ("glibc", "static", "musl") else 1.25
    compare(f"{kept} bytes of text", truth["text_bytes"] <= kept <= truth["text_bytes"] * most, True)
