#!/bin/bash
# timeout: 600
# What a capture calls types, variables and frames is what the program knows: built with debug
# information, without, stripped, with a separate debug file, without call frame information, and
# with files that are damaged. See targets/named_shop.cpp.
. "$(dirname "$0")/../support/live.sh"

PRINT_NAMES=$BUILD/tests/cli/helpers/print_names
for tool in g++ objcopy strip; do
    command -v "$tool" >/dev/null || skip_all "there is no $tool"
done

# build_shop NAME [FLAG...]
build_shop()
{
    local name=$1
    shift
    g++ -std=gnu++17 -O1 -pthread "$@" tests/live/targets/named_shop.cpp -o "$WORK/$name" \
        >"$WORK/build.log" 2>&1 || bail "cannot build named_shop: $(head -5 "$WORK/build.log")"
}

# capture_shop PROGRAM: runs it, captures it, prints what it is called; leaves types, roots and
# note in $WORK, its truth in $WORK/truth.
capture_shop()
{
    rm -f "$WORK/truth" "$WORK/heap.zst"
    start "$WORK/truth" "$1"
    SHOP=$STARTED
    wait_until 10 grep -q '^ready' "$WORK/truth" || bail "$1 did not get ready"
    run "$RUDO_SNAP" capture --pid "$SHOP" -o "$WORK/heap.zst"
    check_exit "${2:-$(basename "$1")}: captured" 0
    end_shop
    "$PRINT_NAMES" "$WORK/heap.zst" types | cut -f 1,3 | sort >"$WORK/types"
    "$PRINT_NAMES" "$WORK/heap.zst" roots >"$WORK/roots"
    "$PRINT_NAMES" "$WORK/heap.zst" note >"$WORK/note"
}

end_shop()
{
    kill -KILL "$SHOP" 2>/dev/null
    wait "$SHOP" 2>/dev/null
}

# check_types NAME [NAMING...]: types of these namings have their names, others are numbered.
check_types()
{
    local name=$1
    shift
    awk -v known=" $* " '
        $1 == "type" {
            count = $3
            naming = $2
            sub(/^type [a-z]+ [0-9]+ /, "")
            print count "\t" (index(known, " " naming " ") ? $0 : "#")
        }' "$WORK/truth" | sort >"$WORK/expected"
    sed -E 's/type #[0-9]+ \(trace [a-z.-]+\+0x[0-9a-f]+\)$/#/' "$WORK/types" | sort >"$WORK/actual"
    check "$name: types" diff -u "$WORK/expected" "$WORK/actual"
}

# check_roots NAME KINDS [SED]: every root of these kinds that the program knows of has its label;
# SED changes what is expected.
check_roots()
{
    local kind where label found missing=""
    while read -r kind where label; do
        [[ " $2 " == *" $kind "* ]] || continue
        case $kind in
        stack) found=$(grep "stack $where\$" "$WORK/roots" | sed 's/frame #[0-9]*/frame #?/') ;;
        *) found=$(grep -F "$label" "$WORK/roots") ;;
        esac
        [[ $found == *"$label"* ]] || missing="$missing
$kind $where: expected '$label', found '$found'"
    done < <(sed -n 's/^root //p' "$WORK/truth" | sed "${3:-}")
    is "$1: labels of roots" "$missing" ""
}

# check_reason NAME TEXT: why names are missing is said in one line that has this text.
check_reason()
{
    is "$1: why names are missing" "$(grep -cF "$2" "$WORK/note") of $(wc -l <"$WORK/note")" "1 of 1"
}
# The program imitates the functions of rudo-gc, but not its types.
no_types="fields have no names: the debug information of"

build_shop full -g
capture_shop "$WORK/full"
check_types "with debug information" symbols debug plain
check_roots "with debug information" "stack tls global"
check_reason "with debug information" "$no_types"

strip --strip-debug -o "$WORK/symbols" "$WORK/full"
capture_shop "$WORK/symbols"
check_types "without debug information" symbols plain
check_roots "without debug information" "stack tls global"
check_reason "without debug information" "the types of 2 trace functions have no names: rustc's legacy mangling hides them in"

strip -o "$WORK/stripped" "$WORK/full"
capture_shop "$WORK/stripped"
check_types "stripped"
check "stripped: frames have module and offset" \
    grep -qE "thread 'worker-1', frame #[0-9]+ stripped\+0x[0-9a-f]+, stack 0x" "$WORK/roots"
check "stripped: so have globals" grep -qE "global stripped\+0x[0-9a-f]+$" "$WORK/roots"
check_reason "stripped" "the types of 7 trace functions have no names: 'stripped' is stripped"

# The debug file, found by its name and by the same build-id.
mkdir "$WORK/.debug"
objcopy --only-keep-debug "$WORK/full" "$WORK/.debug/split.debug"
strip -o "$WORK/split" "$WORK/full"
(cd "$WORK/.debug" && objcopy --add-gnu-debuglink=split.debug ../split)
capture_shop "$WORK/split"
check_types "with a separate debug file" symbols debug plain
check_roots "with a separate debug file" "stack tls global"
check_reason "with a separate debug file" "$no_types"

# One of another build: not a name may come from it.
build_shop other -g -DOTHER_BUILD -Wl,--build-id=0x0123456789abcdef
objcopy --only-keep-debug "$WORK/other" "$WORK/.debug/split.debug"
capture_shop "$WORK/split" "with another build's debug file"
check_types "with another build's debug file"
check_reason "with another build's debug file" "its debug file is of another build"

# Without a build-id, the checksum decides.
build_shop unnumbered -g -Wl,--build-id=none
objcopy --only-keep-debug "$WORK/unnumbered" "$WORK/.debug/sum.debug"
strip -o "$WORK/sum" "$WORK/unnumbered"
(cd "$WORK/.debug" && objcopy --add-gnu-debuglink=sum.debug ../sum)
capture_shop "$WORK/sum"
check_types "by checksum" symbols debug plain
printf x >>"$WORK/.debug/sum.debug"
capture_shop "$WORK/sum" "with a wrong checksum"
check_types "with a wrong checksum"

# Nothing says how to unwind: no tables and no frame pointers. Unknown frames are left out.
build_shop tableless -fomit-frame-pointer -fno-asynchronous-unwind-tables -fno-exceptions \
    -fno-unwind-tables
capture_shop "$WORK/tableless"
check_types "without unwind tables" symbols plain
check_roots "without unwind tables" "tls global"
check_reason "without unwind tables" "the types of 2 trace functions have no names: rustc's legacy mangling hides them in"
is "without unwind tables: every root on a stack has a label" \
    "$(grep -c '^stack' "$WORK/roots")" \
    "$(grep -cE "^stack	(thread '[a-z0-9-]+'(, frame #[0-9]+ .*\+0x[0-9a-f]+( or a caller)?)?, stack 0x|tls )" "$WORK/roots")"
note "without unwind tables: $(grep "or a caller" "$WORK/roots" | head -1)"

# Frame pointers alone: their chain is followed.
build_shop pointers -fno-omit-frame-pointer -fno-asynchronous-unwind-tables -fno-exceptions \
    -fno-unwind-tables
capture_shop "$WORK/pointers"
check_types "with frame pointers" symbols plain
check_roots "with frame pointers" "stack tls global"

# From a core that the program left.
if command -v gcore >/dev/null; then
    start "$WORK/truth" "$WORK/full"
    SHOP=$STARTED
    wait_until 10 grep -q '^ready' "$WORK/truth"
    gcore -o "$WORK/core" "$SHOP" >/dev/null 2>&1
    end_shop
    run "$RUDO_SNAP" capture --force --core "$WORK/core.$SHOP" -o "$WORK/heap.zst"
    check_exit "from a core: captured" 0
    "$PRINT_NAMES" "$WORK/heap.zst" types | cut -f 1,3 | sort >"$WORK/types"
    "$PRINT_NAMES" "$WORK/heap.zst" roots >"$WORK/roots"
    check_types "from a core" symbols debug plain
    # Cores have no names of threads.
    check_roots "from a core" "stack global" "s/thread '[a-z0-9-]*'//"
else
    skip "from a core: names" "there is no gcore"
fi

# The real thing: what the service is made of, by either mangling.
SERVICE_TYPES="service::CacheEntry service::Catalogue service::Customer service::LineItem
service::Order service::Product service::Session service::Shop"
check_service()
{
    local name=$1 merged=$2
    rm -f "$WORK/truth" "$WORK/heap.zst"
    start "$WORK/truth" "$3" --seconds 300
    SHOP=$STARTED
    wait_until 60 grep -q '}$' "$WORK/truth" || bail "service did not tell its truth"
    run "$RUDO_SNAP" capture --pid "$SHOP" -o "$WORK/heap.zst"
    check_exit "$name: captured" 0
    end_shop
    "$PRINT_NAMES" "$WORK/heap.zst" types >"$WORK/types"
    "$PRINT_NAMES" "$WORK/heap.zst" roots >"$WORK/roots"
    # shellcheck disable=SC2086  # a list of words
    is "$name: types" "$(cut -f 3 "$WORK/types" | sort -u)" "$(printf '%s\n' $SERVICE_TYPES "$merged" | sort)"
    is "$name: every object has one" "$(awk -F '\t' '{ sum += $1 } END { print sum }' "$WORK/types")" \
        "$(sed -n 's/.*"objects":\([0-9]*\).*/\1/p' "$WORK/truth")"
    check "$name: main's frame holds roots" \
        grep -qE "thread 'service', frame #[0-9]+ service::main\+0x[0-9a-f]+ \(.*src/[a-z/]*\.rs:[0-9]+\), stack 0x" "$WORK/roots"
    check "$name: so do those of workers" \
        grep -qE "thread 'worker-[0-9]+', frame #[0-9]+ rudo_gc_samples::" "$WORK/roots"
}
rust=build/samples-rust
reason=$(samples/rudo-gc/build.sh "$rust")
case $? in
0)
    # Their functions are merged; debug information tells the types apart by their sizes.
    check_service "rustc, v0" $'service::Journal\nservice::PriceTable' "$rust/release/service"
    # Another build of all crates takes half a minute of two CPUs: for a soak.
    if [ "$DOSE" -gt 1 ]; then
        (cd samples/rudo-gc && RUSTFLAGS="-C debuginfo=2" CARGO_NET_OFFLINE=true cargo build --quiet \
            --release --locked --target-dir "$OLDPWD/build/samples-rust-legacy") ||
            bail "cannot build the samples with the legacy mangling"
        check_service "rustc, legacy" "service::Journal | service::PriceTable | ..." \
            build/samples-rust-legacy/release/service
    fi
    ;;
77) skip "rustc, v0: types" "$reason" ;;
*) not_ok "the rudo-gc samples are built" ;;
esac

# Damaged debug information: names may be missing, the heap is not.
damage()
{
    python3 - "$WORK/full" "$WORK/damaged" "$1" <<'PYTHON'
import random, sys

data = bytearray(open(sys.argv[1], "rb").read())
random.seed(int(sys.argv[3]))
# Behind what is loaded: debug sections, symbols, section headers.
start = data.find(b"GNU C++")
start = len(data) // 3 if start < 0 else start - 4096
for _ in range(400):
    data[random.randrange(start, len(data))] = random.randrange(256)
open(sys.argv[2], "wb").write(data)
PYTHON
    chmod +x "$WORK/damaged"
}
if command -v python3 >/dev/null; then
    for seed in $(seq $((3 * DOSE))); do
        damage "$seed"
        capture_shop "$WORK/damaged" "damaged $seed"
        is "damaged $seed: all objects are there" \
            "$(awk '{ sum += $1 } END { print sum }' "$WORK/types")" 28
        note "damaged $seed: $(head -1 "$WORK/note")"
    done
else
    skip "damaged: all objects are there" "there is no python3"
fi
done_testing
