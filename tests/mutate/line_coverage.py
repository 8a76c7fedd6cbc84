"""Which lines of the marker each test runs, counted by gcov."""

import concurrent.futures
import glob
import gzip
import json
import os
import subprocess

from mutant_build import EXPLORED, MutantBuild


def lines_run(plan, folder, tests, run_test, sources, jobs):
    """{(file, line): set of tests}, and {file: set of lines that hold code}.

    run_test(test, programs, environment) runs one of them.
    """
    build = MutantBuild(plan, f"{folder}/coverage", flags=("-O0", "-g0", "--coverage", "-U_FORTIFY_SOURCE"))
    for built in sorted({o for source in sources for o in plan.touched(source)}):
        # Explored code runs beside the counters of the native build: tests/explore runs all of it.
        if plan.is_of_library(built) and EXPLORED not in built:
            build.compile(built)
    def counts_of(test):
        counts = os.path.abspath(f"{folder}/coverage/counts/{test.name}")
        programs = {target: build.link(target, ("-s", "--coverage")) for target in test.targets}
        run_test(test, programs, {"GCOV_PREFIX": counts})
        found = glob.glob(f"{counts}/**/*.gcda", recursive=True)
        return test.name, [entry for data in found for entry in read_counts(data, counts)]

    covered, code = {}, {}
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for name, counts in pool.map(counts_of, tests):
            for file, line, count in counts:
                code.setdefault(file, set()).add(line)
                if count > 0:
                    covered.setdefault((file, line), set()).add(name)
    return covered, code


def read_counts(data, counts):
    notes = data[:-5] + ".gcno"
    if not os.path.exists(notes):
        os.symlink(notes[len(counts) :], notes)
    done = subprocess.run(["gcov", "--json-format", "--stdout", data], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    text = done.stdout
    if text[:2] == b"\x1f\x8b":
        text = gzip.decompress(text)
    for document in text.decode().splitlines():
        if not document.startswith("{"):
            continue
        for file in json.loads(document)["files"]:
            for line in file["lines"]:
                yield os.path.normpath(file["file"]), line["line_number"], line["count"]
