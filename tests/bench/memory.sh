#!/bin/bash
# What commands have resident under limits, by the kernel's count, on one large heap:
#
#     make bench-memory
#
#     tests/bench/memory.sh [BUILD [MIB [LIMIT...]]]
#
# prints a row for each limit and command: seconds of CPU, the most MiB resident, the exit status, and the
# limit that would do, where the command was refused. The limit "none" leaves the option out.
# docs/benchmarks.md has the result.
set -eu
build=${1:-build/release} mib=${2:-4608}
shift $(($# < 2 ? $# : 2))
[ $# -gt 0 ] || set -- 256M 512M 1G 2G none
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
heap=$scratch/heap.zst
"$build/tests/cli/helpers/huge_heap" "$heap" "$mib"
for limit; do
    options=(--mem-limit "$limit")
    [ "$limit" != none ] || options=()
    for words in info "verify -q" "mark -q" "report -q" "retained -q" "path -q" "show" "what-if -q --cut global" \
        "diff -q" "check -q --limit reachable<=9GiB" query "replay --seeds 1..1" "simulate -q" "explore -n 1"; do
        operands=("$heap")
        case $words in
        path* | show*) operands+=(0x200000000640) ;;
        diff*) operands+=("$heap") ;;
        query*) operands+=("SELECT type, count(*) FROM objects GROUP BY type") ;;
        esac
        read -ra command <<<"$words"
        read -r seconds resident status <<<"$("$build/tests/cli/helpers/measure_command" 3600 "$build/rudo-snap" \
            "${command[@]}" "${options[@]}" "${operands[@]}")"
        figure=
        [ "$status" != 4 ] ||
            figure=$("$build/rudo-snap" "${command[@]}" "${options[@]}" "${operands[@]}" 2>&1 |
                sed -n 's/.*--mem-limit \([0-9]*[KMG]\) would do.*/\1 would do/p' | head -n 1)
        printf '%-5s %-9s %8.2f s %6d MiB  status %s  %s\n' "$limit" "${command[0]}" "$seconds" "$resident" "$status" "$figure"
    done
done
