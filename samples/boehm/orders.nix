# An evaluation that holds much for some seconds: 20,000 orders, of each of which a number is needed
# again and again. docs/bdwgc.md looks at what it holds.
#
#     nix-instantiate --eval samples/boehm/orders.nix
let
  orders = builtins.genList (number: {
    inherit number;
    customer = "customer ${toString number}";
    lines = [ number (number + 1) ];
  }) 20000;
  total = round: builtins.foldl' (sum: order: sum + builtins.head order.lines) round orders;
in
builtins.foldl' (sum: round: sum + total round) 0 (builtins.genList (round: round) 600)
