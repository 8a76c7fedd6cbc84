# shellcheck shell=bash
# Every help text, and every way to ask for it.
rudo-snap help
for command in capture mark report path retained what-if diff check simulate info verify replay explore help version; do
    echo "---- $command"
    rudo-snap help "$command"
    rudo-snap "$command" --help | cmp - <(rudo-snap help "$command")
    rudo-snap "$command" -h | cmp - <(rudo-snap help "$command")
done
rudo-snap --help | cmp - <(rudo-snap help)
rudo-snap -h | cmp - <(rudo-snap help)
