#!/bin/bash
# Every example in README.md and in the man page is run: lines that begin with "$ rudo-snap" in
# README's ```console blocks and in the man page's displays. What README shows below a command
# is compared with what the command prints; times and compressed sizes may differ, and a line
# "..." stands for any lines.
#
# "shop.zst" is the sample of the golden tests; examples that capture process 4242 capture the C
# sample instead, those of its core file a small core, and "shop" is the C sample.
#
#   tests/cli/docs_examples.sh            run and compare
#   tests/cli/docs_examples.sh --update   write what differs into README.md
. "$(dirname "$0")/../support/tap.sh"

write_shop_heap=$BUILD/tests/cli/helpers/write_shop_heap
[ -x "$write_shop_heap" ] || bail "there is no $write_shop_heap: run \`make tests\`"
mkdir "$WORK/bin" "$WORK/folder"
ln -s "$RUDO_SNAP" "$WORK/bin/rudo-snap"
PATH=$WORK/bin:$PATH
cat >"$WORK/bin/shop" <<EOF
#!/bin/sh
exec "$BUILD/samples/c-heap" --threads 1 --objects 100 --seconds 1
EOF
chmod +x "$WORK/bin/shop"
"$write_shop_heap" "$WORK/grown.zst" grown
"$write_shop_heap" "$WORK/shop.zst" || bail "cannot write the sample"
"$BUILD/tests/cli/helpers/make_core_files" example "$WORK/core.4242" || bail "cannot write a core"

# One file an example, in $WORK: N.command and N.expected.
awk -v work="$WORK" '
    /^```/ { inside = ($0 == "```console"); if (!inside) command = ""; next }
    !inside { next }
    /^\$ rudo-snap / { number++; command = work "/" number ".command"
                       expected = work "/" number ".expected"
                       print substr($0, 3) > command; printf "" > expected; next }
    /^\$ / { command = ""; next }
    command != "" { print > expected }' README.md
readme_count=$(find "$WORK" -name '*.command' | wc -l)
sed -n 's/^\$ \(rudo-snap .*\)/\1/p' docs/rudo-snap.1 | {
    number=$readme_count
    while IFS= read -r line; do
        number=$((number + 1))
        printf '%s\n' "$line" >"$WORK/$number.command"
    done
}
count=$(find "$WORK" -name '*.command' | wc -l)
check "README.md and the man page have examples" \
    test "$readme_count" -ge 3 -a "$count" -gt "$readme_count"

# mask FILE: what differs from run to run.
mask()
{
    sed -E 's/[0-9.]+ (ns|us|ms|s)\b/TIME/g
            s/(file +)[0-9.]+ [KMG]?i?B, ([0-9.]+ [KMG]?i?B) decompressed, [0-9]+ frames/\1SIZE/
            s/: ok, [0-9]+ frames, [0-9.]+ [KMG]?i?B/: ok, SIZES/
            s/[0-9]+ workers?/N workers/
            s/"[a-z_]+_ns": [0-9]+/NS/' "$1"
}

# matches ACTUAL EXPECTED: line by line; "..." skips.
matches()
{
    awk 'NR == FNR { actual[++lines] = $0; next }
         $0 == "..." { skipping = 1; next }
         { at++
           if (skipping) while (at <= lines && actual[at] != $0) at++
           skipping = 0
           if (at > lines || actual[at] != $0) { print "line not printed: " $0; failed = 1; exit }
         }
         END { if (!failed && !skipping && at < lines) { print "also printed: " actual[at + 1]; failed = 1 }
               exit failed }' <(mask "$1") <(mask "$2")
}

# The program that examples capture.
pid=""
sample=$BUILD/samples/c-heap
if [ -x "$sample" ]; then
    "$sample" >"$WORK/sample.log" 2>&1 </dev/null &
    pid=$!
    TAP_STARTED+=("$pid")
    for _ in $(seq 50); do
        [ -s "$WORK/sample.log" ] && break
        sleep 0.1
    done
fi

for number in $(seq "$count"); do
    command=$(cat "$WORK/$number.command")
    name="example: $command"
    case $command in
    *"--pid 4242"*)
        if [ -z "$pid" ]; then
            skip "$name" "there is no C sample to capture"
            continue
        fi
        # Beside the sample, not over it.
        rm -f "$WORK"/folder/*
        (cd "$WORK/folder" && eval "${command//4242/$pid}") >"$WORK/stdout" 2>"$WORK/stderr" </dev/null
        status=$?
        if grep -q "not permitted" "$WORK/stderr"; then
            skip "$name" "tracing is not permitted here"
            continue
        fi
        ;;
    *"--every 10s"*)
        rm -f "$WORK"/folder/*
        (cd "$WORK/folder" && eval "${command//10s/300ms}") >"$WORK/stdout" 2>"$WORK/stderr" </dev/null
        status=$?
        ;;
    *"-- shop"*)
        rm -f "$WORK"/folder/*
        (cd "$WORK/folder" && eval "$command") >"$WORK/stdout" 2>"$WORK/stderr" </dev/null
        status=$?
        ;;
    *"--core core.4242"*)
        rm -f "$WORK"/folder/*
        ln "$WORK/core.4242" "$WORK/folder/core.4242"
        (cd "$WORK/folder" && eval "$command") >"$WORK/stdout" 2>"$WORK/stderr" </dev/null
        status=$?
        ;;
    *)
        (cd "$WORK" && eval "$command") >"$WORK/stdout" 2>"$WORK/stderr" </dev/null
        status=$?
        ;;
    esac
    if [ "$status" -ne 0 ]; then
        not_ok "$name" "status $status" "$(cat "$WORK/stderr")"
    elif [ -s "$WORK/$number.expected" ] && [[ $command != *"--pid 4242"* ]] &&
        ! difference=$(matches "$WORK/stdout" "$WORK/$number.expected"); then
        cp "$WORK/stdout" "$WORK/$number.update"
        not_ok "$name" "$difference" "$(cat "$WORK/stdout")"
    else
        ok "$name"
    fi
done

if [ "${1:-}" = --update ]; then
    awk -v work="$WORK" '
        /^```/ { inside = ($0 == "```console"); skipping = 0 }
        inside && /^\$ / { skipping = 0 }
        !skipping { print }
        inside && /^\$ rudo-snap / {
            update = work "/" ++number ".update"
            while ((getline line < update) > 0) { print line; skipping = 1 }
        }' README.md >"$WORK/README.md" && cat "$WORK/README.md" >README.md
fi
done_testing
