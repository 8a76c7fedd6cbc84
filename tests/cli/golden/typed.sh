# shellcheck shell=bash
# Where data types say what lies in objects and blocks: fields with values, in show, path and JSON;
# --precise marks without weak references and what is left over.
rudo-snap show typed.zst 0x600000004630
rudo-snap show typed.zst 0x600000001680 | sed 1,2d
rudo-snap show typed.zst 0x600000001700 | sed 1,2d
rudo-snap show typed.zst 0x555580001010 | sed 1,2d
rudo-snap show typed.zst 0x600000000b80 | sed 1,2d
rudo-snap show --top 2 typed.zst Cart | sed 1,2d
rudo-snap path typed.zst 0x600000000b80 | sed 1,2d
rudo-snap path --precise typed.zst 0x600000000b80 | sed 1,2d
rudo-snap path --precise --json - typed.zst 0x600000000640 | sed -n '/"steps"/,/\]/p'
rudo-snap mark typed.zst | sed 5q
rudo-snap mark --precise typed.zst | sed '5q'
rudo-snap mark --precise typed.zst | grep note
rudo-snap retained --precise --top 2 typed.zst | sed 1,2d
rudo-snap what-if --precise --cut Cart typed.zst | sed 1,4d
rudo-snap report --precise typed.zst | sed -n '1,2p;/^reachable/,/^garbage/p'
rudo-snap diff --precise typed.zst typed.zst | sed 1q
mkdir golden
for precise in "" --precise; do
    # shellcheck disable=SC2086  # an option, or nothing
    rudo-snap replay $precise --golden golden --update --workers 1,2 --seeds 1 typed.zst | sed 's/ in .*//'
    # shellcheck disable=SC2086
    rudo-snap replay $precise --golden golden --workers 1,2 --seeds 1 typed.zst | sed 's/ in .*//'
done
ls golden
grep rule golden/*
rudo-snap mark --precise shop.zst
