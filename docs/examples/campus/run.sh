#!/bin/sh
# The campus, from keys to a gate, on this machine alone: docs/CAMPUS.md says why. Run it in an empty folder:
#   sh .../docs/examples/campus/run.sh
# `hufu` must be on the PATH, or HUFU must say where it is. It takes a few seconds and stops what it starts.
set -eu
from=$(cd "$(dirname "$0")" && pwd)
hufu=${HUFU:-hufu}
started=""
trap 'for one in $started; do kill "$one" 2>/dev/null || :; done; wait' EXIT

say() { printf '\n== %s\n' "$1"; }
run() { "$hufu" "$@" >>run.log; }

# Waits until a program that was started has said that it is ready.
ready() {
    for _ in $(seq 100); do
        if grep -q ready "$1"; then return; fi
        sleep 0.1
    done
    echo "$1 is not ready: $(cat "$1" "$1.log")" >&2
    exit 1
}

# Asks a gate about a code until it gives this reason: a change takes a moment to reach the engine.
expect() {
    reason=$1 gate=$2 who=$3
    shift 3
    for _ in $(seq 60); do
        answer=$("$hufu" check --gate "$gate" "$("$@")" 2>&1) || :
        if echo "$answer" | grep -q " $reason:"; then
            echo "$who at $gate: $(echo "$answer" | head -n 1)"
            return
        fi
        sleep 0.2
    done
    echo "$who at $gate: $reason was expected: $answer" >&2
    exit 1
}

phone() { "$hufu" present --holder "$1.holder"; }
paper() { cat "$1.code"; }

say "Keys: the operator's, the registrar's, the rectorate's, and the one that signs codes"
run keys generate operator --out operator
run keys generate issuer --issuer 500 --out registrar
run keys generate issuer --issuer 500 --out codes
run keys generate issuer --issuer 501 --out rectorate
run keys trust new --operator operator.key --out trust.hufu
run keys trust add --operator operator.key --list trust.hufu --key registrar.pub --uses instruction
run keys trust add --operator operator.key --list trust.hufu --key codes.pub --uses phone,paper,trip,roster
run keys trust add --operator operator.key --list trust.hufu --key rectorate.pub --uses confirmation
run registry init registry --issuer 500=Campus --national 501 --publisher 502 --operator operator.pub \
    --trust trust.hufu --credential-key codes.key --token-out admin.token
run keys trust add --operator operator.key --list trust.hufu --key registry/publisher.pub --uses head
cp trust.hufu "$from/registry.toml" registry/
cp "$from/engine.toml" "$from/sites.toml" .
run registry token new --config registry/registry.toml --label engine --scopes feed --out feed.token
api=$(sed -n 's/^api = "\(.*\)"$/\1/p' registry/registry.toml)
quic=$(sed -n 's/^quic = "\(.*\)"$/\1/p' engine.toml)
printf 'registry = "https://%s"\ntoken = "admin.token"\nca = "registry/ca/ca.pem"\n' "$api" >hufu.toml

say "Gates: the street, the library; a terminal for the laboratory's list"
run ca init --dir ca --name "Campus"
run ca server --dir ca --out engine
run ca device --dir ca --device 1 --site 5001 --engine "$quic" --out gate
run ca device --dir ca --device 2 --site 5002 --engine "$quic" --out library
run ca device --dir ca --device 3 --site 5003 --scope rosters --engine "$quic" --out laboratory
run keys cluster new --state state

say "People: registered, enrolled by the registrar, confirmed by the rectorate"
"$hufu" registry serve --config registry/registry.toml >registry.ready 2>registry.ready.log &
started="$started $!"
ready registry.ready
"$hufu" import "$from/people.csv" --issuer 500 --key registrar.key --rule 1 --reason "autumn term" \
    --national-key rectorate.key --names names.csv --yes

say "Codes: a phone each for two students, paper for staff, a window for a visitor"
for holder in 0 2; do run holder credential phone --issuer 500 "$holder" --out "$holder.holder"; done
"$hufu" holder credential paper --issuer 500 3 --text >3.code
run trip import "$from/visitors.csv" --office events --issuer 500 --codes codes.csv
sed -n 's/^TALK-17,.*,\(HF1:.*\)$/\1/p' codes.csv >today.code
sed -n 's/^TALK-18,.*,\(HF1:.*\)$/\1/p' codes.csv >tomorrow.code
run trip ended --issuer 500 --out ended.list

say "An engine that follows the registry, and people at the gates"
"$hufu" serve --config engine.toml >engine.ready 2>engine.ready.log &
started="$started $!"
ready engine.ready
expect clear gate "a student" phone 0
expect status-amber gate "a student whose fees are open" phone 2
expect clear library "the same student" phone 2
expect clear gate "staff" paper 3
expect clear gate "a visitor in the window" paper today
expect outside-trip-window gate "the visitor a day early" paper tomorrow
expect kind-not-accepted library "the visitor" paper today

say "The dean suspends a student: proposed by one key, confirmed by another"
run change propose --key registrar.key --holder 0 --colour red --rule 3 --reason "decision 17" --yes
run change confirm --issuer 500 --all --key rectorate.key --yes
expect status-red gate "the student" phone 0

say "The course's list at the laboratory: one may enter, one may not"
run batch sign --key codes.key --site 5003 --members "$from/lab.txt" --out chemistry.roster
"$hufu" batch roster --gate laboratory chemistry.roster --names names.csv || [ $? = 1 ]

say "Who did what: the registry's trail"
"$hufu" audit --issuer 500 --national 501 --publisher 502
