#!/usr/bin/env python3
"""Mutation testing: makes small changes in the marker, one at a time, and demands that tests notice.

    mutate.py --build BUILD --make "make ..." [option...] TARGET...

    TARGET         test programs, and the program itself for replays
    --share N      one mutation in N, chosen by its text alone, so that edits elsewhere change nothing (10)
    --sample N     N of those, chosen by --seed (all)
    --files GLOB   only these sources
    --jobs N       at a time (CPUs)
    --with NAME    only tests whose name has this in it; "replay": how many a replay of samples/heaps kills
    --list         only lists the mutations

For each mutation: what includes the file is compiled again; if no object changes, it is equivalent.
A replay of samples/heaps goes first, then the tests that run the line, quickest first, until one
fails, crashes or hangs. What survives must be explained in tests/mutate/explained.txt; the exit
status is 1 if more than 3 % do without. Runs in build/mutate; survivors/ there has patches.
"""

import argparse
import collections
import concurrent.futures
import dataclasses
import difflib
import fnmatch
import glob
import json
import os
import re
import resource
import select
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import line_coverage
from mutant_build import EXPLORED, BuildError, BuildPlan, MutantBuild
from source_mutations import mutations_of

SOURCES = ["marker/*.[ch]", "marker/native/*.h", "marker/schedule/*.[ch]"]
EXPLAINED = "tests/mutate/explained.txt"
STEPS = "samples/heaps/golden/steps"
# Equal results of schedules that take other steps: tests/cli/sample_heaps.sh notices, a replay does not.
OTHER_STEPS = "other numbers of steps"
ALLOWED_PERCENT = 3
MEMORY_BYTES = 8 << 30
# A test whose processes all sleep for so long waits for what does not come.
IDLE_SECONDS = 6
WALL_SECONDS = 600


@dataclasses.dataclass
class Test:
    name: str
    targets: list
    command: list  # "@" is the program
    seconds: float = 0.0  # unmutated: wall
    cpu_seconds: float = 0.0

    @property
    def is_exploring(self):
        return self.name.startswith(("explore/", "unit/marker/explore"))

    @property
    def is_counted(self):
        """Whether gcov sees what it runs: explorers and replays run the marker in processes of their own."""
        return not self.is_exploring and self.name != "replay"


def tests_of(build, targets):
    tests = []
    for target in targets:
        name = target.removeprefix(f"{build}/tests/")
        if name.startswith(("unit/", "property/")):
            tests.append(Test(name, [target], ["@", "-j1", "--fail-fast"]))
        elif "/tests/" in target:
            tests.append(Test(name, [target], ["@"]))
        else:
            replay = ["@", "replay", "-j1", "--timeout", "300", "--golden", "samples/heaps/golden", "--json", "-"]
            tests.append(Test("replay", [target], replay + ["samples/heaps"]))
    return tests


def limit_resources(cpu_seconds):
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 1))
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def run_test(test, programs, environment):
    """None: it passed; else why not."""
    words = [programs[test.targets[0]] if word == "@" else word for word in test.command]
    everything = os.environ | {"EXPLORE_SCHEDULES": "1000", "EXPLORE_OPERATIONS": "4"} | environment
    cpu_limit = int(4 + 2 * test.cpu_seconds) if test.cpu_seconds else 600
    began = time.monotonic()
    is_replay = test.name == "replay"
    process = subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE if is_replay else subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, env=everything,
        preexec_fn=lambda: limit_resources(cpu_limit),
    )
    family = Family(process.pid)
    if is_replay:
        return judge_replay(process, family)
    while True:
        try:
            status = process.wait(1)
            return None if status == 0 else f"status {status}"
        except subprocess.TimeoutExpired:
            seconds = time.monotonic() - began
            if family.idle_seconds() > IDLE_SECONDS or seconds > WALL_SECONDS:
                family.kill()
                process.wait()
                return f"hangs, killed after {seconds:.0f} s"


def judge_replay(process, family):
    """Ends with the first heap whose marks differ or go wrong."""
    steps, text = "", b""
    with process.stdout:
        while True:
            if not select.select([process.stdout], [], [], 1)[0]:
                if family.idle_seconds() <= IDLE_SECONDS:
                    continue
                family.kill()
                process.wait()
                return "hangs"
            piece = os.read(process.stdout.fileno(), 65536)
            text += piece
            *lines, text = text.split(b"\n")
            for document in map(json.loads, lines):
                if document.get("verdict", "equal") != "equal":
                    family.kill()
                    process.wait()
                    return f"{document['heap']}: {document['verdict']}"
                if "heap" in document:
                    name = document["heap"].removeprefix("samples/heaps/").removesuffix(".zst")
                    steps += f"{name} {document['mark']['steps']}\n"
            if not piece:
                break
    status = process.wait()
    if status != 0:
        return f"status {status}"
    with open(STEPS, encoding="utf-8") as file:
        return None if file.read() == steps else OTHER_STEPS


class Family:
    """A process and its descendants: how long all of them have been asleep without a break."""

    def __init__(self, root):
        self.root, self.members, self.used, self.since = root, [root], None, time.monotonic()

    def look(self):
        """Finds the members, and returns (whether one wants a processor, the processor time of all)."""
        children, states = collections.defaultdict(list), {}
        for name in glob.glob("/proc/[0-9]*/stat"):
            try:
                with open(name, encoding="utf-8", errors="replace") as file:
                    fields = file.read().rpartition(")")[2].split()
            except OSError:
                continue
            pid = int(name.split("/")[2])
            children[int(fields[1])].append(pid)
            states[pid] = (fields[0], int(fields[11]) + int(fields[12]))
        self.members = [self.root]
        for member in self.members:
            self.members += children[member]
        seen = [states[member] for member in self.members if member in states]
        return any(state in "RD" for state, _ in seen), sum(used for _, used in seen)

    def idle_seconds(self):
        is_busy, used = self.look()
        if is_busy or used != self.used:
            self.used, self.since = used, time.monotonic()
        return time.monotonic() - self.since

    def kill(self):
        self.look()
        for member in self.members:
            try:
                os.kill(member, signal.SIGKILL)
            except ProcessLookupError:
                pass


# ---- explained survivors ----


def read_explained(path):
    """[(key, reason, line)]"""
    entries, head, before, after, reason = [], None, None, None, []
    number, head_line = 0, 0

    def finish():
        if head is not None:
            file, _, function = head.partition(" ")
            entries.append(((file, function, before, after), " ".join(reason), head_line))

    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            line = line.rstrip()
            if line.startswith("#") or not line:
                continue
            if line.startswith("- "):
                before = " ".join(line[2:].split())
            elif line.startswith("+ "):
                after = " ".join(line[2:].split())
            elif line[0].isspace():
                reason.append(line.strip())
            else:
                finish()
                head, before, after, reason, head_line = line, None, None, [], number
    finish()
    return entries


def check_explained(entries, mutations):
    """Stops at entries that no mutation has, or that give no reason."""
    known = {m.key for m in mutations}
    wrong = [f"{EXPLAINED}:{line}: no mutation of the source is like this" for key, _, line in entries if key not in known]
    wrong += [f"{EXPLAINED}:{line}: no reason" for _, reason, line in entries if not reason]
    if wrong:
        sys.exit("\n".join(wrong))
    return {key: reason for key, reason, _ in entries}


# ---- one mutant ----


@dataclasses.dataclass
class Verdict:
    mutation: object
    outcome: str  # "killed", "survived", "equivalent", "does not compile"
    killer: str = ""
    why: str = ""
    is_replay_kill: bool = False
    seconds: float = 0.0


class Run:
    def __init__(self, plan, tests, folder, sources):
        self.plan, self.tests, self.folder, self.sources = plan, tests, folder, sources
        self.texts = {}
        self.covered, self.code = {}, {}
        self.numbers = iter(range(1 << 30))
        self.lock = threading.Lock()

    def source_text(self, name):
        if name not in self.texts:
            with open(name, encoding="utf-8") as file:
                self.texts[name] = file.read()
        return self.texts[name]

    def measure(self, jobs):
        """All tests must pass unmutated; how long they take then, and the lines that they run."""
        build = MutantBuild(self.plan, f"{self.folder}/unmutated")
        for test in self.tests:
            programs = {target: build.link(target) for target in test.targets}
            began, used = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
            complaint = run_test(test, programs, {})
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            if complaint is not None:
                sys.exit(f"mutate: {test.name} fails without a mutation: {complaint}")
            test.seconds = time.monotonic() - began
            test.cpu_seconds = after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
        self.tests.sort(key=lambda t: (t.name != "replay", t.cpu_seconds))
        native = [test for test in self.tests if test.is_counted]
        counted = lambda test, programs, environment: run_test(dataclasses.replace(test, seconds=0, cpu_seconds=0), programs, environment)
        self.covered, self.code = line_coverage.lines_run(self.plan, self.folder, native, counted, self.sources, jobs)

    def tests_covering(self, mutation):
        """Those that run the line, or the last one with code before it in the same function."""
        lines = [n for n in self.code.get(mutation.file, ()) if n <= mutation.line]
        if not mutation.function or not lines:
            # A constant: whatever runs the file.
            names = set().union(*(t for (file, _), t in self.covered.items() if file == mutation.file), set())
            return names or {t.name for t in self.tests}
        # The statement may go on: the value of a condition is counted on its first line.
        near = max(lines)
        return self.covered.get((mutation.file, near), set())

    def judge(self, mutation):
        began = time.monotonic()
        with self.lock:
            folder = f"{self.folder}/mutants/{next(self.numbers)}"
        verdict = Verdict(mutation, "survived")
        try:
            build = MutantBuild(self.plan, folder, mutation.file, mutation.apply(self.source_text(mutation.file)))
            self.judge_built(mutation, build, verdict)
        except BuildError as error:
            verdict.outcome, verdict.why = "does not compile", str(error)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        verdict.seconds = time.monotonic() - began
        return verdict

    def judge_built(self, mutation, build, verdict):
        covering = self.tests_covering(mutation)
        native = [t for t in self.tests if not t.is_exploring and (t.name in covering or not t.is_counted)]
        exploring = [t for t in self.tests if t.is_exploring]
        # Weaker orders are for explorers: stress programs see few schedules, and x86 has strong loads.
        turns = [(False, native), (True, exploring)]
        if mutation.kind == "order":
            turns.reverse()
        is_changed = False
        for is_explored, tests in turns:
            # All of them, so that programs are linked with each; explored ones only if they are needed.
            if any([build.is_changed(o) for o in self.library_objects(mutation.file, is_explored)]):
                is_changed = True
                if self.run_until_killed(tests, build, verdict):
                    return
        if not is_changed:
            verdict.outcome = "equivalent"

    def library_objects(self, file, is_explored):
        return [o for o in self.plan.touched(file)
                if not o.startswith(f"{self.plan.build}/tests/") and (EXPLORED in o) == is_explored]

    @staticmethod
    def run_until_killed(tests, build, verdict):
        for test in tests:
            try:
                programs = {target: build.link(target) for target in test.targets}
            except BuildError as error:
                # The library compiles, but a test that uses its functions does not.
                verdict.why = f"{test.name} does not link: {error}"
                continue
            complaint = run_test(test, programs, {})
            if complaint is not None:
                verdict.outcome, verdict.killer, verdict.why = "killed", test.name, complaint
                verdict.is_replay_kill = test.name == "replay" and complaint != OTHER_STEPS
                if complaint == OTHER_STEPS:
                    verdict.killer = "cli/sample_heaps"
                return True
        return False


# ---- the report ----


def write_patch(run, mutation, number):
    os.makedirs(f"{run.folder}/survivors", exist_ok=True)
    source = run.source_text(mutation.file)
    name = f"{run.folder}/survivors/{mutation.file.replace('/', '_')}_{mutation.line}_{number}.patch"
    with open(name, "w", encoding="utf-8") as file:
        file.writelines(
            difflib.unified_diff(
                source.splitlines(True), mutation.apply(source).splitlines(True),
                f"a/{mutation.file}", f"b/{mutation.file}",
            )
        )
    return name


def say_mutation(mutation):
    print(f"{mutation.file}:{mutation.line}: {mutation.function or 'constant'} ({mutation.kind})")
    print(f"  - {mutation.before}\n  + {mutation.after}")


def report(run, verdicts, explained):
    outcomes = collections.Counter(v.outcome for v in verdicts)
    survivors = [v for v in verdicts if v.outcome == "survived"]
    unexplained = [v for v in survivors if v.mutation.key not in explained]
    mutants = outcomes["killed"] + outcomes["survived"]
    by_replay = sum(v.is_replay_kill for v in verdicts)
    for number, verdict in enumerate(unexplained):
        say_mutation(verdict.mutation)
        print(f"  again: patch -p1 <{write_patch(run, verdict.mutation, number)}")
    for verdict in verdicts:
        if verdict.outcome == "killed" and verdict.mutation.key in explained:
            print(f"note: explained, but killed by {verdict.killer}: ", end="")
            say_mutation(verdict.mutation)
    print(f"\n{len(verdicts)} mutations: {outcomes['does not compile']} do not compile, "
          f"{outcomes['equivalent']} change no object code, {mutants} mutants")
    print(f"{outcomes['killed']} killed ({by_replay} of them, {100 * by_replay / max(outcomes['killed'], 1):.0f} %, "
          f"by a replay of samples/heaps alone), "
          f"{len(survivors) - len(unexplained)} survive as explained, {len(unexplained)} survive unexplained")
    for kind in sorted({v.mutation.kind for v in verdicts}):
        of_kind = collections.Counter(v.outcome for v in verdicts if v.mutation.kind == kind)
        print(f"  {kind:10} {of_kind['killed']:4} killed {of_kind['survived']:4} survive")
    killers = collections.Counter(v.killer for v in verdicts if v.killer)
    print("  first killed by: " + ", ".join(f"{name} {count}" for name, count in killers.most_common()))
    is_ok = len(unexplained) * 100 <= ALLOWED_PERCENT * mutants
    print(f"{'ok' if is_ok else 'FAIL'}: {len(unexplained)} of {mutants} survive unexplained"
          f" ({100 * len(unexplained) / max(mutants, 1):.1f} %, at most {ALLOWED_PERCENT} %)")
    return is_ok


def run_all(run, mutations, jobs):
    verdicts, began = [], time.monotonic()
    with open(f"{run.folder}/results.jsonl", "w", encoding="utf-8") as results, \
            concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for future in concurrent.futures.as_completed([pool.submit(run.judge, m) for m in mutations]):
            verdict = future.result()
            verdicts.append(verdict)
            m = verdict.mutation
            json.dump({"file": m.file, "line": m.line, "function": m.function, "kind": m.kind, "before": m.before,
                       "after": m.after, "outcome": verdict.outcome, "killer": verdict.killer, "why": verdict.why,
                       "seconds": round(verdict.seconds, 1)}, results)
            results.write("\n")
            results.flush()
            print(f"[{len(verdicts)}/{len(mutations)}, {time.monotonic() - began:.0f} s] "
                  f"{verdict.outcome}{' by ' + verdict.killer if verdict.killer else ''}: {m.file}:{m.line} {m.kind}",
                  flush=True)
    return sorted(verdicts, key=lambda v: (v.mutation.file, v.mutation.start, v.mutation.after))


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--make", default="make")
    parser.add_argument("--share", type=int, default=10)
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--files", default="*")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--with", dest="only", default="")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("targets", nargs="*")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    sources = sorted(name for pattern in SOURCES for name in glob.glob(pattern))
    mutations = mutations_of(sources)
    explained = check_explained(read_explained(EXPLAINED), mutations)
    chosen = [m for m in mutations if int(m.rank("share"), 16) % arguments.share == 0
              and fnmatch.fnmatch(m.file, arguments.files)]
    chosen = sorted(chosen, key=lambda m: m.rank(arguments.seed))[: arguments.sample or None]
    print(f"mutate: {len(chosen)} of {len(mutations)} mutations, seed {arguments.seed}", flush=True)
    if arguments.list:
        for mutation in sorted(chosen, key=lambda m: (m.file, m.start)):
            say_mutation(mutation)
        return 0
    folder = "build/mutate"
    for name in ("mutants", "survivors", "plain", "unmutated", "coverage"):
        shutil.rmtree(f"{folder}/{name}", ignore_errors=True)
    os.makedirs(folder, exist_ok=True)
    plan = BuildPlan(shlex.split(arguments.make), arguments.build, arguments.targets, sources)
    tests = [t for t in tests_of(arguments.build, arguments.targets) if re.search(arguments.only, t.name)]
    run = Run(plan, tests, folder, sources)
    run.measure(arguments.jobs)
    print(f"mutate: {len(tests)} tests pass unmutated", flush=True)
    return 0 if report(run, run_all(run, chosen, arguments.jobs), explained) else 1


if __name__ == "__main__":
    sys.exit(main())
