#!/bin/bash
# Tests mirror the source. Each folder of unit, property and stress tests is a room, or one of the
# folders of tests that have programs of their own.
. "$(dirname "$0")/../support/lint.sh"

# Folders of tests that do not belong to a room of the source.
OTHERS='bench'

strangers()
{
    local kind folder room
    for kind in unit property stress; do
        source_files | sed -n "s|^tests/$kind/\(.*\)/[^/]*\.c\$|\1|p" | sort -u |
            while IFS= read -r room; do
                folder=$room
                case " $OTHERS " in *" $room "*) folder=tests/$room ;; esac
                source_files | grep -q "^$folder/.*\.c\$" ||
                    echo "tests/$kind/$room: there is no room $folder"
            done
    done
}
none "folders of tests are rooms" "$(strangers)"
done_testing
