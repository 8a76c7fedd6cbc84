#!/bin/bash
# The jobs in docs/ci.md are run: every shell line in them, against small heaps, as on the systems
# that they are for. Stand-ins replace the programs of those systems: git, apt-get and make (which
# only record their arguments), kubectl (which runs the Job's command once for each pod), and GNU
# parallel where it is not installed. An independent parser reads the YAML, too.
# timeout: 300
. "$(dirname "$0")/../support/tap.sh"

make_snapshots=$BUILD/tests/cli/helpers/make_snapshots
edit_golden=$BUILD/tests/cli/helpers/edit_golden
python=/usr/bin/python3

# ---- the files on the page ----

# A block whose first line is "# NAME" becomes the file NAME; of folders, the last part.
mkdir "$WORK/docs" "$WORK/bin" "$WORK/plain"
awk -v folder="$WORK/docs" '
    /^```/ { fenced = !fenced; first = 1; file = ""; next }
    !fenced { next }
    first && /^# / { file = folder "/" substr($0, 3); sub(/docs\/.*\//, "docs/", file) }
    { first = 0; if (file != "") print > file }' docs/ci.md
cd "$WORK/docs" || exit 1
is "docs/ci.md has the files that it describes" "$(find . -type f | sort | tr '\n' ' ')" \
    "./.gitlab-ci.yml ./Containerfile ./replay-everywhere.sh ./replay-job.sh ./replay-job.yaml ./replay.yml "

# scripts FILE: its literal blocks ("run: |", "- |") become FILE.1, FILE.2, and so on.
scripts()
{
    awk -v file="$1" '
        /^ *[^ ].* \|$|^ *- \|$/ {
            match($0, /^[ -]*/); least = RLENGTH; indent = 0; inside = file "." ++number; next
        }
        inside != "" {
            match($0, /^ */)
            if (indent == 0) indent = RLENGTH
            if (RLENGTH < indent) { inside = ""; next }
            print substr($0, indent + 1) > inside
        }' "$1"
}
for file in replay.yml .gitlab-ci.yml replay-job.yaml; do
    scripts $file
done
is "the scripts of each job" "$(find . -name '*.[0-9]' | sort | tr '\n' ' ')" \
    "./.gitlab-ci.yml.1 ./.gitlab-ci.yml.2 ./.gitlab-ci.yml.3 ./replay-job.yaml.1 ./replay.yml.1 ./replay.yml.2 ./replay.yml.3 "

if "$python" -c 'import yaml' 2>"$WORK/reason"; then
    check "a YAML parser finds the same scripts, and consistent values" "$python" - <<'PYTHON'
import glob, yaml
found = {}
def walk(value, scripts):
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else []:
        if isinstance(item, str) and "\n" in item:
            scripts.append(item)
        walk(item, scripts)
for name in "replay.yml", ".gitlab-ci.yml", "replay-job.yaml":
    found[name] = yaml.safe_load(open(name))
    scripts = []
    walk(found[name], scripts)
    assert scripts == [open(part).read() for part in sorted(glob.glob(name + ".[0-9]"))], name

github = found["replay.yml"]
assert set(github) == {"name", True, "permissions", "jobs"}, set(github)  # YAML 1.1: on is True
for step in github["jobs"]["replay"]["steps"]:
    assert ("run" in step) != ("uses" in step), step
gitlab = found[".gitlab-ci.yml"]
for job in "replay", "verdict":
    assert gitlab[job]["stage"] in gitlab["stages"] and gitlab[job]["script"]
job = found["replay-job.yaml"]
pod = job["spec"]["template"]["spec"]
container = pod["containers"][0]
assert (job["apiVersion"], job["kind"]) == ("batch/v1", "Job")
assert job["spec"]["completionMode"] == "Indexed"
assert container["env"] == [{"name": "SHARDS", "value": str(job["spec"]["completions"])}]
assert [v["name"] for v in pod["volumes"]] == [m["name"] for m in container["volumeMounts"]]
assert container["command"][:2] == ["/bin/sh", "-c"] and pod["restartPolicy"] == "Never"
PYTHON
else
    skip "a YAML parser finds the same scripts, and consistent values" "$(tail -1 "$WORK/reason")"
fi

# ---- stand-ins ----

stand_in()
{
    cat >"$WORK/bin/$1"
    chmod +x "$WORK/bin/$1"
}
ln -s "$RUDO_SNAP" "$WORK/bin/rudo-snap"
stand_in apt-get <<'SCRIPT'
#!/bin/sh
echo "apt-get $*" >>"$WORK/asked"
SCRIPT
stand_in sudo <<'SCRIPT'
#!/bin/sh
exec "$@"
SCRIPT
stand_in git <<'SCRIPT'
#!/bin/sh
# git clone OPTION... URL FOLDER
for folder; do :; done
echo "git $*" >>"$WORK/asked"
mkdir "$folder" && ln -s "$ROOT/Makefile" "$ROOT/install-dependencies.sh" "$folder"
SCRIPT
stand_in make <<'SCRIPT'
#!/bin/sh
# make -C FOLDER -jN TARGET
for target; do :; done
echo "make $*" >>"$WORK/asked"
[ "$1" = -C ] && grep -q "^$target:" "$2/Makefile"
SCRIPT
stand_in kubectl <<'SCRIPT'
#!/bin/bash
# A cluster of one machine; the heaps are in the folder it is called in.
set -u
case "$1 $2" in
"apply -f")
    shards=$(sed -n 's/^  completions: //p' "$3")
    rm -f "$WORK"/pod-*
    sed "s|/heaps|heaps|g" "$WORK/docs/replay-job.yaml.1" >"$WORK/pod.sh"
    for index in $(seq 0 $((shards - 1))); do
        # Both streams of a pod go into one log.
        JOB_COMPLETION_INDEX=$index SHARDS=$shards sh -c "$(cat "$WORK/pod.sh")" \
            >"$WORK/pod-replay-$index" 2>&1 </dev/null || rm "$WORK/pod-replay-$index"
    done
    ;;
"wait --for=condition=complete") [ "$(find "$WORK" -name 'pod-*' | wc -l)" -eq "$shards_wanted" ] ;;
"get pods") find "$WORK" -name 'pod-*' | sed 's|.*/pod-\(.*\)|pod/\1-x7k2p|' ;;
"logs pod/"*)
    pod=${2%-*}
    cat "$WORK/pod-${pod#pod/}"
    ;;
*) echo "kubectl: unknown command: $*" >&2 && exit 1 ;;
esac
SCRIPT
shards_wanted=$(sed -n 's/^  completions: //p' replay-job.yaml)
export shards_wanted
if ! parallel --version 2>/dev/null | grep -q "^GNU parallel"; then
    stand_in parallel <<'SCRIPT'
#!/bin/bash
# parallel OPTION VALUE... COMMAND... ::: ARGUMENT..., one after the other, here.
while [[ $1 == --* ]]; do shift 2; done
command=()
while [ "$1" != ::: ]; do command+=("$1"); shift; done
shift
failed=0
for argument; do
    "${command[@]//\{\}/$argument}" || failed=$((failed + 1))
done
exit $failed
SCRIPT
    note "a stand-in replaces GNU parallel"
fi
PATH=$WORK/bin:$PATH

# ---- a repository with heaps ----

cd "$WORK" || exit 1
mkdir repository repository/heaps repository/heaps/more
for seed in 1 2 3 4 5 6 7 8; do
    "$make_snapshots" random $seed 100 repository/heaps/$seed.zst || bail "cannot make heaps"
done
mv repository/heaps/[5-8].zst repository/heaps/more/
cp "$ROOT/samples/heaps/toy-heap.zst" repository/heaps/
cd repository || exit 1
"$RUDO_SNAP" replay heaps --golden heaps/golden --update -q --json first.jsonl || bail "no goldens"
"$RUDO_SNAP" replay heaps --golden heaps/golden -q --json "$WORK/whole.jsonl" || bail "not equal"
rm first.jsonl
check "the golden of a sample comes out as it is there" \
    cmp heaps/golden/toy-heap.golden "$ROOT/samples/heaps/golden/toy-heap.golden"
: >"$WORK/asked"

# github: the three scripts of the job; the status is that of the first that fails.
github()
{
    rm -rf rudo-snap replay.* "$WORK/summary"
    for step in 1 2 3; do
        RUDO_SNAP_SOURCE=https://git.example.com/rudo-snap.git RUDO_SNAP_VERSION=main \
            GITHUB_STEP_SUMMARY=$WORK/summary \
            bash --noprofile --norc -eo pipefail "$WORK/docs/replay.yml.$step" || return
    done
}

# gitlab: before_script and script of each job; the status is that of the verdict.
gitlab()
{
    local index
    rm -rf rudo-snap part*
    for index in 1 2 3 4; do
        rm -rf rudo-snap
        RUDO_SNAP_SOURCE=https://git.example.com/rudo-snap.git RUDO_SNAP_VERSION=main \
            CI_NODE_INDEX=$index CI_NODE_TOTAL=4 \
            bash -eo pipefail -c ". '$WORK/docs/.gitlab-ci.yml.1'; . '$WORK/docs/.gitlab-ci.yml.2'" || :
    done
    bash -eo pipefail "$WORK/docs/.gitlab-ci.yml.3"
}

everywhere()
{
    echo : >machines
    sh "$WORK/docs/replay-everywhere.sh"
}

kubernetes()
{
    cp "$WORK/docs/replay-job.yaml" .
    sh "$WORK/docs/replay-job.sh"
}

# same FILE: it is, byte for byte, what one replay of all heaps wrote.
same()
{
    cmp "$1" "$WORK/whole.jsonl"
}

run github
check_exit "GitHub: all equal" 0
check "GitHub: the JSON of a replay" same replay.jsonl
check "GitHub: JUnit of all heaps" grep -q '<testsuite .*tests="9"' replay.xml
check "GitHub: the summary" grep -q '^ ok  *9$' "$WORK/summary"
run gitlab
check_exit "GitLab: all equal" 0
check "GitLab: four shards are one replay" same replay.jsonl
is "GitLab: JUnit of four shards" "$(find . -name "part*.xml" | wc -l)" 4
run everywhere
check_exit "GNU parallel: all equal" 0
check "GNU parallel: eight shards are one replay" same replay.jsonl
run kubernetes
check_exit "Kubernetes: all equal" 0
check "Kubernetes: eight pods are one replay" same merged.jsonl
check "the jobs install rudo-snap" grep -q '^make -C rudo-snap -j[0-9]* install$' "$WORK/asked"
check "from the address in the job" grep -q '^git clone .*https://git.example.com/rudo-snap.git rudo-snap$' "$WORK/asked"

# A marker that keeps one object more would show so.
"$edit_golden" heaps/golden/more/7.golden 0 0 || bail "cannot edit a golden"
for system in github gitlab everywhere kubernetes; do
    run $system
    check_exit "$system: a difference" 1
    check_output "$system: and which" stdout "*heaps/more/7.zst: *slot 0 is not marked, the golden says reachable*"
done
check "GitHub: the summary has it" grep -q 'heaps/more/7.zst: ' "$WORK/summary"

# Damage goes before a difference, and the other heaps are looked at.
truncate -s 3000 heaps/3.zst
for system in github gitlab everywhere kubernetes; do
    run $system
    check_exit "$system: a damaged heap" 3
    check_output "$system: and the difference" stdout "*heaps/3.zst: *heaps/more/7.zst: *"
done

# When a shard is lost there is no verdict.
# shellcheck disable=SC2016  # for the pod
sed -i '1i [ "$JOB_COMPLETION_INDEX" -ne 2 ] || exit 137' "$WORK/docs/replay-job.yaml.1"
run kubernetes
check_exit "Kubernetes: a pod was lost" 2
check_output "Kubernetes: and its shard is named" stderr "*shard 3/8 is missing*"
done_testing
