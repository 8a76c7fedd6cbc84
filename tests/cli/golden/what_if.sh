# shellcheck shell=bash
# The memory that removing a type, an object, a block, a root, and groups of roots would free.
rudo-snap what-if --cut Cart shop.zst
for cut in 0x600000000640 0x555580001010 0x7ffd00001000 stack interior conservative thread:shop \
    thread:4242 type:shop::Order 'foreign block'; do
    rudo-snap what-if --cut "$cut" shop.zst | sed -n 's/^without //p; s/^freed/  freed/p'
done
rudo-snap what-if --cut stack --cut Order --cut 0x600000004630 shop.zst | sed 1,2d
rudo-snap what-if --json - --cut Cart shop.zst
