#!/bin/bash
# The jobs in docs/ci.md, and the action in action.yml, are run: every shell line in them, against small
# heaps, as on the systems that they are for. Stand-ins replace the programs of those systems: git,
# apt-get, cargo and make (which only record their arguments), kubectl (which runs the Job's command once
# for each pod), and GNU parallel where it is not installed. An independent parser reads the YAML, too.
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
cp action.yml "$WORK/docs/"
cd "$WORK/docs" || exit 1
is "docs/ci.md has the files that it describes" "$(find . -type f | sort | tr '\n' ' ')" \
    "./.gitlab-ci.yml ./Containerfile ./action.yml ./heap-check-service.sh ./heap-check.sh ./heap-check.yml ./heap.budget ./heap.yml ./replay-everywhere.sh ./replay-job.sh ./replay-job.yaml ./replay.yml "

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
for file in replay.yml .gitlab-ci.yml replay-job.yaml heap.yml heap-check.yml action.yml; do
    scripts $file
done
is "the scripts of each job" "$(find . -name '*.[0-9]' | sort | tr '\n' ' ')" \
    "./.gitlab-ci.yml.1 ./.gitlab-ci.yml.2 ./.gitlab-ci.yml.3 ./action.yml.1 ./action.yml.2 ./action.yml.3 ./heap-check.yml.1 ./heap-check.yml.2 ./heap.yml.1 ./replay-job.yaml.1 ./replay.yml.1 ./replay.yml.2 ./replay.yml.3 "

if "$python" -c 'import yaml' 2>"$WORK/reason"; then
    check "a YAML parser finds the same scripts, and consistent values" "$python" - <<'PYTHON'
import glob, re, yaml
found = {}
def walk(value, scripts):
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else []:
        if isinstance(item, str) and "\n" in item:
            scripts.append(item)
        walk(item, scripts)
for name in "replay.yml", ".gitlab-ci.yml", "replay-job.yaml", "heap.yml", "heap-check.yml", "action.yml":
    found[name] = yaml.safe_load(open(name))
    scripts = []
    walk(found[name], scripts)
    assert scripts == [open(part).read() for part in sorted(glob.glob(name + ".[0-9]"))], name

github = found["replay.yml"]
assert set(github) == {"name", True, "permissions", "jobs"}, set(github)  # YAML 1.1: on is True
for step in github["jobs"]["replay"]["steps"]:
    assert ("run" in step) != ("uses" in step), step
action, heap = found["action.yml"], found["heap.yml"]
assert action["runs"]["using"] == "composite" and all(set(i) == {"description", "default"} for i in action["inputs"].values())
used = set()
for step in action["runs"]["steps"]:
    assert ("run" in step) != ("uses" in step) and ("run" not in step or step["shell"] == "bash"), step
    for value in list(step.get("env", {}).values()) + list(step.get("with", {}).values()):
        used.update(re.findall(r"\$\{\{ inputs\.(\w+) \}\}", value))
    # Expressions within a script would be code.
    assert "${{" not in step.get("run", "")
assert used == set(action["inputs"]), used
assert set(heap["jobs"]["heap"]["steps"][-1]["with"]) <= set(action["inputs"])
service = found["heap-check.yml"]["heap"]
assert service["artifacts"]["when"] == "always" and "heap.zst" in service["artifacts"]["paths"]
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

stand_in cargo <<'SCRIPT'
#!/bin/sh
echo "cargo $*" >>"$WORK/asked"
SCRIPT

# ---- a repository with a service ----

# The service is a sample: it ends by itself when it is asked to test itself, and waits otherwise.
mkdir -p "$WORK/service/target/release" "$WORK/action"
ln -s "$WORK/docs/heap-check.sh" "$WORK/docs/heap-check-service.sh" "$WORK/service/"
cat >"$WORK/service/target/release/shop" <<SCRIPT
#!/bin/sh
if [ "\${1-}" = --self-test ]; then
    exec "$BUILD/samples/c-heap" --objects 300 --seconds 0
fi
exec "$BUILD/samples/c-heap" --objects 300 --seconds 60 >said
SCRIPT
cat >"$WORK/service/load" <<'SCRIPT'
#!/bin/sh
for i in $(seq 200); do
    grep -qs reachable said && exit
    sleep 0.05
done
exit 1
SCRIPT
cat >"$WORK/action/install-dependencies.sh" <<'SCRIPT'
#!/bin/sh
echo "install-dependencies $*" >>"$WORK/asked"
SCRIPT
chmod +x "$WORK/service/target/release/shop" "$WORK/service/load" "$WORK/action/install-dependencies.sh"
ln -s "$ROOT/Makefile" "$WORK/action/"
cd "$WORK/service" || exit 1
: >"$WORK/asked"

# budget N: at most N objects, and no more than in the last release.
budget()
{
    printf '# The load\ncount(total) <= %s # a test\ngrowth(total) <= 10%% # since the release\ncomplete\n' "$1" >heap.budget
}

# action INPUT=VALUE...: the scripts of the action, with inputs as environment, as in its steps.
action()
{
    local step
    rm -f heap.zst* "$WORK/summary"
    for step in 1 2 3; do
        env RUN= PID= HEAP=heap.zst BUDGET= LIMITS= BASELINE= ALLOW= "$@" \
            GITHUB_ACTION_PATH="$WORK/action" GITHUB_PATH="$WORK/path" GITHUB_STEP_SUMMARY="$WORK/summary" \
            bash --noprofile --norc -eo pipefail "$WORK/docs/action.yml.$step" || return
    done
}

# gitlab_service: before_script and script of the job.
gitlab_service()
{
    rm -rf rudo-snap heap.zst
    RUDO_SNAP_SOURCE=https://git.example.com/rudo-snap.git RUDO_SNAP_VERSION=main \
        bash -eo pipefail -c ". '$WORK/docs/heap-check.yml.1'; . '$WORK/docs/heap-check.yml.2'"
}

# With the last release there is nothing to compare.
printf 'count(total) <= 100000\ncomplete\n' >heap.budget
run sh heap-check.sh target/release/shop --self-test
check_exit "a shell: without a release" 0
cp heap.zst release.zst
budget 100000
run sh heap-check.sh target/release/shop --self-test
check_exit "a shell: the limits are kept" 0
check "a shell: JSON and JUnit" grep -q '<testsuite name="rudo-snap check".* failures="0"' heap.xml
run gitlab_service
check_exit "GitLab: the limits are kept" 0
run action "RUN=target/release/shop '--self-test'" BUDGET=heap.budget BASELINE=release.zst
check_exit "GitHub: the limits are kept" 0
check_output "GitHub: against the release" stdout "*heap.zst: *, against release.zst*3 limits kept*"
check "GitHub: the summary" grep -q '^3 limits kept$' "$WORK/summary"
check "GitHub: rudo-snap is built and found" grep -qx "$WORK/action/build/release" "$WORK/path"
check "GitHub: and installed with its libraries" grep -q '^install-dependencies build$' "$WORK/asked"
run action RUN="target/release/shop --self-test" BASELINE=nothing.zst ALLOW="sizes program" \
    LIMITS='count(total) <= 100000
no path trace_node -> nothing'
check_exit "GitHub: limits of the workflow" 0
check_output "GitHub: all of them" stdout "*2 limits kept*"
rm -f said
start "$WORK/started" target/release/shop
check "the service runs" ./load
run action PID="$STARTED" LIMITS=complete
check_exit "GitHub: a process that runs" 0
kill "$STARTED"
rm -f said
run timeout 60 sh heap-check-service.sh ./load target/release/shop
check_exit "a shell: a service that goes on, without growth" 0
budget 10
for system in "sh heap-check.sh target/release/shop --self-test" gitlab_service; do
    run $system
    check_exit "$system: a limit is exceeded" 1
    check_output "$system: which, and what keeps it" stdout "*EXCEEDED  count(total) <= 10 *reason of the limit: a test*"
    check "$system: the heap is kept" "$RUDO_SNAP" verify -q heap.zst
done
run action RUN="target/release/shop --self-test" BUDGET=heap.budget BASELINE=release.zst
check_exit "GitHub: a limit is exceeded" 1
check "GitHub: the summary has it" grep -q 'EXCEEDED  count(total) <= 10 ' "$WORK/summary"
run action RUN="exit 3" BUDGET=heap.budget
check "GitHub: a failed test is not checked" test "$STATUS" -ne 0
# The page's own budget is one.
run "$RUDO_SNAP" check --budget "$WORK/docs/heap.budget" --baseline release.zst --allow same-file -q release.zst
check "the budget on the page can be read" test "$STATUS" -le 1

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
