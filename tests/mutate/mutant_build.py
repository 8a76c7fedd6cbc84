"""Builds tests of a mutated source with the commands of the Makefile, compiling only what includes it.

make prints, by -n and -W, how it would compile and link all of it; those commands are run again with
other output folders. An object that comes out with the same bytes as without the mutation behaves the
same, so a mutation that changes no object is equivalent: on this processor, and at this level of
optimisation. Memory orders are arguments in the exploring build, so a weaker one changes that.
"""

import os
import re
import shlex
import subprocess
import threading

EXPLORED = "/explored/"


class BuildError(Exception):
    pass


def run_quietly(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    if done.returncode != 0:
        raise BuildError(done.stdout[-2000:])


class BuildPlan:
    """How make builds these targets, and what depends on which source."""

    def __init__(self, make, build, targets, sources):
        self.build = build
        self.archive = f"{build}/librudo-snap.a"
        self.marker_object = f"{build}/exploring_marker.o"
        self.compiles, self.links, self.marker_commands = {}, {}, []
        what_if = [word for source in sources for word in ("-W", source)]
        environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
        printed = subprocess.run(
            make + ["-n", "V=1", *what_if, *targets], stdout=subprocess.PIPE, text=True, env=environment
        )
        if printed.returncode != 0:
            raise BuildError("make -n failed")
        for line in printed.stdout.splitlines():
            self.take(line)
        self.dependents = self.read_dependents()
        self.plain_lock = threading.Lock()
        self.plain = {}

    def take(self, line):
        try:
            words = shlex.split(line)
        except ValueError:
            return
        if words and words[0].endswith("ccache"):
            words = words[1:]
        if self.marker_object in words and ("-nostdlib" in words or "objcopy" in words[0]):
            self.marker_commands.append(words)
        elif "-o" in words and "-c" in words:
            self.compiles[words[words.index("-o") + 1]] = words
        elif "-o" in words and self.archive in words:
            self.links[words[words.index("-o") + 1]] = words

    def read_dependents(self):
        dependents = {}
        for built in self.compiles:
            try:
                with open(built[:-2] + ".d", encoding="utf-8") as file:
                    names = file.read().replace("\\\n", " ").split()
            except FileNotFoundError:
                continue
            for name in set(names):
                dependents.setdefault(os.path.normpath(name), set()).add(built)
        return dependents

    def touched(self, source):
        return sorted(self.dependents.get(source, ()))

    def is_of_library(self, built):
        return not built.startswith((f"{self.build}/tests/", f"{self.build}/cli/"))


class MutantBuild:
    """One build folder; without a mutation if `source` is None. flags: more of them, to compile."""

    def __init__(self, plan, folder, source=None, text=None, flags=("-g0",)):
        self.plan, self.folder, self.source, self.flags = plan, folder, source, list(flags)
        self.tree = f"{folder}/tree"
        self.objects = {}
        self.marker = None
        if source is not None:
            path = f"{self.tree}/{source}"
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)

    def compile(self, built):
        """The path of this object in this build; compiled if the mutation touches it."""
        if built in self.objects:
            return self.objects[built]
        words = list(self.plan.compiles[built])
        out = f"{self.folder}/objects/{built}"
        os.makedirs(os.path.dirname(out), exist_ok=True)
        words[words.index("-o") + 1] = out
        words = [word for word in words if word not in ("-MMD", "-MP", "-Werror")]
        if self.source is not None:
            at = words.index("-c") + 1
            if words[at] == self.source:
                words[at] = f"{self.tree}/{self.source}"
            shared = "marker/explore/sim" if EXPLORED in built else "marker/native"
            words[1:1] = [f"-I{self.tree}", f"-I{self.tree}/{shared}", f"-ffile-prefix-map={self.tree}/="]
        run_quietly(words + ["-w", *self.flags])
        self.objects[built] = out
        return out

    def link_marker(self):
        """The exploring marker; compiles what it is made of and touched."""
        if self.marker is None:
            out = f"{self.folder}/exploring_marker.o"
            for words in self.plan.marker_commands:
                words = [self.objects.get(word, word) for word in words]
                run_quietly([out if word == self.plan.marker_object else word for word in words])
            self.marker = out
        return self.marker

    def link(self, target, flags=("-s",)):
        words, objects = [], []
        for word in self.plan.links[target]:
            if word == self.plan.archive:
                # Before the archive, so that its members of the same name are left out.
                words += [self.objects[o] for o in sorted(self.objects) if self.plan.is_of_library(o) and EXPLORED not in o]
                if any(EXPLORED in o for o in self.objects):
                    words.append(self.link_marker())
                words.append(word)
            elif word in self.plan.compiles and self.source is not None and word in self.plan.touched(self.source):
                words.append(self.compile(word))
            else:
                words.append(word)
        out = f"{self.folder}/programs/{target}"
        os.makedirs(os.path.dirname(out), exist_ok=True)
        words[words.index("-o") + 1] = out
        run_quietly(words + objects + list(flags))
        return out

    def is_changed(self, built):
        """Whether the object has other bytes than without the mutation."""
        plan = self.plan
        with plan.plain_lock:
            if built not in plan.plain:
                plain = MutantBuild(plan, f"{os.path.dirname(self.folder)}/plain")
                with open(plain.compile(built), "rb") as file:
                    plan.plain[built] = without_file_name(file.read(), built)
        with open(self.compile(built), "rb") as file:
            return without_file_name(file.read(), built) != plan.plain[built]


def without_file_name(data, built):
    """The bytes of an object but for the paths of its source."""
    return re.sub(rb"[\w./+-]*" + re.escape(os.path.basename(built)[:-2].encode()) + rb"\.c", b"", data)
