#!/bin/bash
# On small files that were made to take much (make_hostile), the operations of commands grow as
# n log n, and `info` and `verify` take little memory. Operations are counted by the compiler
# (tests/counted/operation_count.c), at N, 2 N and 4 N: no clock decides.
. "$(dirname "$0")/../support/tap.sh"

helpers=$BUILD/tests/cli/helpers
counted=$BUILD/counted/rudo-snap
# n log n grows from N to 4 N to less than 5.5 times, for these N; n^2 to 16 times.
most_growth=8

[ -x "$counted" ] || skip_all "only the release variant counts operations"

count()
{
    RUDO_SNAP_COUNT=$WORK/count "$counted" "$@" >/dev/null 2>&1
    cat "$WORK/count"
}

commands='verify verify FILE
salvage verify --salvage FILE -o SAVED --force
report report -q --json /dev/null FILE FILE
page report -q --html /dev/null FILE FILE
retained retained -q --top 1000000 --json /dev/null FILE
merge path -q --merge --json /dev/null FILE 0x600000000640'

# "GROWTH COMMAND N 2N 4N" of the command that grows most.
worst_growth()
{
    local kind=$1 size=$2 name arguments times line
    for times in 1 2 4; do
        "$helpers/make_hostile" "$kind" $((times * size)) "$WORK/$times.zst" || return
    done
    while read -r name arguments; do
        line=$name
        for times in 1 2 4; do
            arguments_now=${arguments//FILE/$WORK/$times.zst}
            # shellcheck disable=SC2086  # its words
            line="$line $(count ${arguments_now/SAVED/$WORK/saved.zst})"
        done
        echo "$line"
    done <<<"$commands" |
        awk '{ g = $4 / $2; if (g > w) { w = g; n = $0 } } END { printf "%.2f %s\n", w, n }'
}

# All of them take half a minute.
kinds='shared hashes frames modules'
[ "${TEST_DOSE:-1}" -ge 4 ] && kinds=$("$helpers/make_hostile" kinds)
for kind in $kinds; do
    size=600
    [ "$kind" = long-names ] && size=25
    [ "$kind" = same-page ] && size=300
    worst=$(worst_growth "$kind" "$size")
    check "$kind: operations grow as n log n: $worst" \
        awk -v most=$most_growth -v worst="${worst%% *}" 'BEGIN { exit !(worst + 0 > 0 && worst + 0 < most) }'
done

# A larger one of the first kind took 1.3 GB.
for kind in empty-sections same-page long-names frames; do
    size=15000
    [ "$kind" = long-names ] && size=1000
    [ "$kind" = empty-sections ] && size=1000000
    "$helpers/make_hostile" "$kind" "$size" "$WORK/heap.zst"
    for command in info verify; do
        read -r _ megabytes _ <<<"$("$helpers/measure_command" 60 "$RUDO_SNAP" $command "$WORK/heap.zst")"
        check "$kind: $command takes at most 64 MiB: $megabytes" test "$megabytes" -le 64
    done
done

done_testing
