#!/bin/bash
# Recorded heaps say nothing of where they were recorded: no paths, no users, no machines, neither
# as they are nor decompressed. (That they are redacted and complete is checked in tests/cli/.)
. "$(dirname "$0")/../support/lint.sh"

command -v zstd >/dev/null || skip_all "there is no zstd"
# A path of two parts, or of one that tells; what surrounds it may be binary.
paths='/(home|root|tmp|usr|opt|srv|var|mnt|etc|proc|work|build|builds|Users|nix)/[A-Za-z0-9._-]'
mail='[A-Za-z0-9._-]{2,}@[A-Za-z0-9-]{2,}\.[a-z]{2,}'

# Names of this machine and user, where they are long enough to be no chance.
names()
{
    local name
    for name in "$(id -un)" "$(uname -n)"; do
        [ "${#name}" -lt 7 ] || printf '|%s' "${name//[^A-Za-z0-9_-]/.}"
    done
}

found=$(
    source_files | grep '^samples/heaps/' | grep -v '\.\(sh\|md\)$' | while IFS= read -r file; do
        if [ "${file%.zst}" != "$file" ]; then
            zstd -q -d -c "$file" || echo "/tmp/cannot decompress"
        else
            cat "$file"
        fi | LC_ALL=C grep -a -o -E "($paths|$mail$(names)).{0,60}" | tr -cd '[:print:]\n' | sed "s|^|$file: |"
    done
)
none "recorded heaps tell of no path, user or machine" "$found"
none "each recorded heap is told of" "$(
    source_files | sed -n 's|^samples/heaps/\([^/]*\)\.zst$|\1|p' | while IFS= read -r name; do
        grep -qs "\`$name\`" samples/heaps/README.md || echo "samples/heaps/README.md does not name $name"
        grep -qs -- "\b$name\b" samples/heaps/record.sh || echo "samples/heaps/record.sh does not record $name"
    done
)"
done_testing
