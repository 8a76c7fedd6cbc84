#!/bin/bash
# rudo_snap(3) is about embed/rudo_snap.h: its structs are those of the header, member by member; each
# function, member, status and callback is explained; its example is compiled, linked with the flags that
# the page gives, shared and as archive.
. "$(dirname "$0")/../support/tap.sh"
for tool in gcc python3 pkg-config; do
    command -v "$tool" >/dev/null || skip_all "there is no $tool"
done

cat >"$WORK/compare.py" <<'PYTHON'
import re, sys

header = open("embed/rudo_snap.h").read()
page = open("docs/rudo_snap.3").read()
code = re.sub(r"/\*.*?\*/", " ", header, flags=re.S)
blocks = [re.sub(r"/\*.*?\*/", " ", block, flags=re.S) for block in re.findall(r"^\.Bd -literal\n(.*?)^\.Ed$", page, re.S | re.M)]
shown = "\n".join(blocks[:-1])
prose = re.sub(r"^\.Bd -literal\n.*?^\.Ed$", "", page, flags=re.S | re.M)
wrong = []


def plain(text):
    return re.sub(r"\s+", " ", text).strip()


def structs(text):
    return {name: [plain(member) for member in body.split(";") if member.strip()]
            for name, body in re.findall(r"typedef struct (\w+) \{(.*?)\} \1;", text, re.S)}


for name, members in structs(code).items():
    if structs(shown).get(name) != members:
        wrong.append(f"struct {name}: the page has {structs(shown).get(name)}, the header {members}")
for callback in re.findall(r"typedef int \(\*\w+\)\([^)]*\);", code):
    if plain(callback) not in plain(shown):
        wrong.append(f"not on the page: {callback}")
for options in re.findall(r"typedef struct rudo_snap_options \{(.*?)\}", code, re.S):
    for member in re.findall(r"(\w+);", options):
        if not re.search(rf"^\.It Fa .*\b{member}\b", page, re.M):
            wrong.append(f"option {member} is not explained")
for status in re.findall(r"^\s+(RUDO_SNAP_[A-Z]+) =", code, re.M):
    if not re.search(rf"^\.It Dv {status}$", page, re.M):
        wrong.append(f"status {status} is not explained")
functions = re.findall(r"^RUDO_SNAP_API [^;(]*?(\w+)\(([^;]*)\);", code, re.M)
for function, parameters in functions:
    if not re.search(rf"^\.Nm {function}\b", page, re.M):
        wrong.append(f"{function} is not in NAME")
    synopsis = re.search(rf"^\.Fn {function} (.*)$", page, re.M)
    if synopsis is None:
        wrong.append(f"{function} is not in SYNOPSIS")
    elif plain(synopsis[1].replace('" "', ", ").replace('"', "")) != plain(parameters):
        wrong.append(f"{function}: the page has ({synopsis[1]}), the header ({parameters})")
    if len(re.findall(rf"^\.Fn {function}\b", prose, re.M)) < 2:
        wrong.append(f"{function} is not explained")
if len(functions) < 5 or len(structs(code)) < 6:
    wrong.append("the header was not understood")
open(sys.argv[1], "w").write(blocks[-1].replace("\\en", "\\n"))
sys.exit("\n".join(wrong) or None)
PYTHON
check "the page and the header have the same structs and functions" \
    python3 "$WORK/compare.py" "$WORK/example.inc"

cat >"$WORK/example.c" <<'C'
#include <rudo_snap.h>
#include <stdio.h>

struct object;
static void trace_pair(void) {}
#include "example.inc"

int main(void)
{
    rudo_snap_pages pages[1] = {{0, 0}};
    return record_heap(pages, 0) == 0 || symbol_table != NULL ? 0 : 3;
}
C
prefix=$WORK/usr
check "it is installed" make -s install-embed VARIANT="${BUILD##*/}" PREFIX="$prefix"
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
read -r -a flags <<<"$(pkg-config --cflags --libs rudo-snap-capture)"
check "the example is compiled, and linked with the shared library" \
    gcc -std=c99 -Wall -Wextra -Werror "$WORK/example.c" "${flags[@]}" -o "$WORK/shared"
# As the page says it.
check "the page tells how to link the archive" grep -q -- '-l:librudo-snap-capture.a' docs/rudo_snap.3
read -r -a flags <<<"$(pkg-config --cflags --libs --static rudo-snap-capture |
    sed 's/-lrudo-snap-capture/-l:librudo-snap-capture.a/')"
check "and with the archive" \
    gcc -std=c99 -Wall -Wextra -Werror "$WORK/example.c" "${flags[@]}" -o "$WORK/archive"
needs_library() { LC_ALL=C readelf -d "$1" | grep -c 'NEEDED.*librudo-snap-capture'; }
is "the one needs the shared library" "$(needs_library "$WORK/shared")" 1
is "the other does not" "$(needs_library "$WORK/archive")" 0
(cd "$WORK" && LD_LIBRARY_PATH=$prefix/lib ./archive >/dev/null 2>"$WORK/stderr")
is "it runs; a heap without pages is not valid" "$?" 3
check_output "which it says" stderr "no snapshot: *"
check "rudo-snap(1) names it" grep -q '^.Xr rudo_snap 3' docs/rudo-snap.1
done_testing
