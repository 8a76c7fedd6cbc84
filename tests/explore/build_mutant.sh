#!/bin/bash
# Builds the exploring marker with one mutation: only what the mutation touches is compiled again.
#
#   CC=cc FLAGS="..." OBJCOPY=objcopy RENAMES="..." tests/explore/build_mutant.sh PATCH OUT OBJECT...
#
# OBJECT...: the unmutated marker, built in a folder explored/ that mirrors the sources. The table
# of the mutant's operations is called mutant_NAME, after the patch.
set -eu
patch=$1 out=$2
shift 2
name=$(basename "$patch" .patch)
tree=${out%.o}.tree

rm -rf "$tree"
mapfile -t files < <(sed -n 's|^+++ b/||p' "$patch")
for file in "${files[@]}"; do
    mkdir -p "$tree/$(dirname "$file")"
    cp "$file" "$tree/$file"
done
patch -d "$tree" -p1 --fuzz=0 --silent --forward <"$patch"

objects=()
for object in "$@"; do
    source=${object#*/explored/}
    source=${source%.o}.c
    is_touched=no
    for file in "${files[@]}"; do
        grep -qE "(^| )$file( |\$|:)" "${object%.o}.d" && is_touched=yes
    done
    if [ $is_touched = yes ]; then
        object=$tree/objects/${source%.c}.o
        mkdir -p "$(dirname "$object")"
        [ ! -e "$tree/$source" ] || source=$tree/$source
        # The mutated files come first. A mutation may leave something unused.
        # shellcheck disable=SC2086  # several options
        $CC -I"$tree" -Imarker/explore/sim $FLAGS -Wno-error -w -c "$source" -o "$object"
    fi
    objects+=("$object")
done

$CC -r -nostdlib "${objects[@]}" -o "$out"
# shellcheck disable=SC2086  # several options
$OBJCOPY --redefine-sym exploring_marker="mutant_$name" $RENAMES "$out"
$OBJCOPY --keep-global-symbol="mutant_$name" "$out"
