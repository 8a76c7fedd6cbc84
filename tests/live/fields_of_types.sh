#!/bin/bash
# timeout: 300
# The fields that a capture finds by debug information are where the program has them: a Rust
# program with a field of every kind (samples/rudo-gc/src/bin/kinds.rs) prints their offsets.
. "$(dirname "$0")/../support/live.sh"

PRINT_FIELDS=$BUILD/tests/cli/helpers/print_fields
rust=build/samples-rust
reason=$(samples/rudo-gc/build.sh "$rust")
case $? in
0) ;;
77) skip_all "$reason" ;;
*) bail "cannot build the rudo-gc samples" ;;
esac

# capture_fields PROGRAM SNAPSHOT: leaves its truth in $WORK/truth.
capture_fields()
{
    start "$WORK/truth" "$1" --seconds 300
    wait_until 20 grep -q '}$' "$WORK/truth" || bail "$1 did not tell its truth"
    run "$RUDO_SNAP" capture --force --pid "$STARTED" -o "$2"
    check_exit "$(basename "$1"): captured" 0
    kill -KILL "$STARTED" 2>/dev/null
    wait "$STARTED" 2>/dev/null
}

capture_fields "$rust/release/kinds" "$WORK/kinds.zst"
"$PRINT_FIELDS" "$WORK/kinds.zst" >"$WORK/fields"
# The fields of the object itself.
awk '/^type / { is_wanted = $2 == "kinds::Kinds"; next } is_wanted' "$WORK/fields" >"$WORK/own"

# Each field of the program lies where the program says: the first field with its name begins there,
# or behind it where the first word is not the interesting one.
wrong=$(awk '
    FNR == NR { if ($1 == "field") truth[$3] = $2; next }
    {
        name = $5
        sub(/\..*/, "", name)
        if (!(name in found) || $2 < found[name])
            found[name] = $2
    }
    END {
        for (name in truth)
            if (!(name in found) || found[name] < truth[name] || found[name] > truth[name] + 16)
                print name, "is at", truth[name], "and was found at", found[name]
    }' "$WORK/truth" "$WORK/own")
is "each field is where it is" "$wrong" ""

# Without the places, which compilers choose.
sed -E 's/^field [0-9]+ ([0-9]+) /\1 /; s/ (length|capacity|head) [0-9]+/ \1/g' "$WORK/own" |
    sort >"$WORK/actual"
sort >"$WORK/expected" <<'FIELDS'
1 bool is_open bool
1 enum colour Colour
1 unsigned small u8
16 enum no_strong Option
16 enum no_weak Option
16 enum some_strong Option
16 enum some_weak Option
2 signed negative i16
2 unsigned pair.0 u16
20 array numbers u32 -> u32
24 enum no_name Option
32 enum line Shape
32 enum shape Shape
4 char letter char
4 unsigned inner.id u32
4 unsigned line.Line.width u32 if Line
4 unsigned shape.Line.width u32 if Line
48 array array Option<rudo_gc::ptr::Gc<kinds::Leaf>> -> core::option::Option<rudo_gc::ptr::Gc<kinds::Leaf>>
8 block-hash map HashMap -> (u64, rudo_gc::ptr::Gc<kinds::Leaf>) length capacity
8 block-hash names HashMap -> (alloc::string::String, alloc::vec::Vec<u8, alloc::alloc::Global>) length capacity
8 block-hash set HashSet -> (u32, ()) length capacity
8 block-many arc_text Arc -> u8 first 16 length text shared
8 block-many bytes Vec -> u8 length capacity
8 block-many label Box -> u8 length text
8 block-many line.Named String -> u8 length capacity if Named text
8 block-many list Vec -> rudo_gc::ptr::Gc<kinds::Leaf> length capacity
8 block-many name String -> u8 length capacity text
8 block-many no_name String -> u8 length capacity if Some text
8 block-many shape.Named String -> u8 length capacity if Named text
8 block-many slice Box -> u64 length
8 block-one arc Arc -> core::cell::RefCell<alloc::vec::Vec<rudo_gc::ptr::Gc<kinds::Leaf>, alloc::alloc::Global>> first 16 shared
8 block-one boxed Box -> kinds::Inner
8 block-one dynamic Box
8 block-one rc Rc -> kinds::Inner first 16 shared
8 block-ring deque VecDeque -> rudo_gc::ptr::Gc<kinds::Leaf> length capacity head
8 block-tree tree BTreeMap -> alloc::collections::btree::node::LeafNode<u32, rudo_gc::ptr::Gc<kinds::Leaf>> length head
8 code callback fn
8 code dynamic vtable
8 enum chain.head Option
8 enum chain.tail Option
8 float ratio f64
8 pointer chain.head pointer -> alloc::collections::linked_list::Node<rudo_gc::ptr::Gc<kinds::Leaf>> if Some
8 pointer chain.tail pointer -> alloc::collections::linked_list::Node<rudo_gc::ptr::Gc<kinds::Leaf>> if Some
8 pointer text &str -> u8 length text
8 signed list.borrow isize
8 signed map.borrow isize
8 signed some_strong.borrow isize
8 strong inner.leaf Gc -> kinds::Leaf
8 strong line.Dot Gc -> kinds::Leaf if Dot
8 strong line.Line.from Gc -> kinds::Leaf if Line
8 strong line.Line.to Gc -> kinds::Leaf if Line
8 strong no_strong Gc -> kinds::Leaf if Some
8 strong pair.1 Gc -> kinds::Leaf
8 strong shape.Dot Gc -> kinds::Leaf if Dot
8 strong shape.Line.from Gc -> kinds::Leaf if Line
8 strong shape.Line.to Gc -> kinds::Leaf if Line
8 strong some_strong Gc -> kinds::Leaf if Some
8 strong strong Gc -> kinds::Leaf
8 unsigned chain.len usize
8 unsigned count u64
8 weak no_weak Weak -> kinds::Leaf if Some
8 weak some_weak Weak -> kinds::Leaf if Some
8 weak weak Weak -> kinds::Leaf
FIELDS
check "the fields are of these kinds" diff -u "$WORK/expected" "$WORK/actual"
check "the object's sizes are known" grep -qx 'type kinds::Leaf 8 56' "$WORK/fields"
done_testing
