#!/usr/bin/env bash
# Checks test/model/bell.pml with SPIN: the correct protocol exhaustively, and that every deliberate bug is found.
# One line per search. Exits 1 if anything is not as expected, 0 if SPIN or a C compiler is missing.
# FULL=1 adds the large searches (about 10 minutes, 8 GB).
set -euo pipefail

model=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/bell.pml
compiler=${CC:-$(command -v cc || command -v gcc || command -v clang || true)}
# another tool is called `spin` too (Fermyon's), so ask it who it is
if [[ -z $compiler ]] || [[ $(spin -V 2>/dev/null || true) != 'Spin Version'* ]]; then
  echo 'spin model: skipped (spin not installed: apt-get install spin)'
  exit 0
fi

build=$(mktemp -d "${TMPDIR:-/tmp}/spin-XXXXXX")
trap 'rm -rf "$build"' EXIT
cd "$build"
unexpected=0 searches=0

# build_and_run <safety|live> <flags...>: leaves pan's report in `report`
build_and_run() {
  local kind=$1
  shift
  rm -f pan pan.* report ./*.trail
  spin -a "$@" "$model" >report 2>&1 || return 1
  if [[ $kind == live ]]; then
    $compiler -O2 -w -DCOLLAPSE -DNFAIR=3 -DMEMLIM=8000 -o pan pan.c >>report 2>&1 || return 1
    ./pan -a -f >report 2>&1 || true
  else
    $compiler -O2 -w -DCOLLAPSE -DSAFETY -DMEMLIM=8000 -o pan pan.c >>report 2>&1 || return 1
    ./pan >report 2>&1 || true
  fi
}

line() { # <ok|FAIL> <label> <what>
  local states
  states=$(sed -nE 's/^ *([0-9.e+]+) states, stored.*/\1/p' report)
  printf '%-5s%-44s%12s states  %s\n' "$1" "$2" "${states:-?}" "$3"
  searches=$((searches + 1))
  [[ $1 == ok ]] || { unexpected=$((unexpected + 1)); sed 's/^/     | /' report | head -25; }
}

# holds <safety|live> <flags...>: a complete search, no error, and the final assertions were reached
holds() {
  local kind=$1 label="$1 ${*:2}"
  if build_and_run "$@" && grep -q 'errors: 0$' report \
    && ! grep -qE 'not completed|depth too small|out of memory|truncated' report \
    && { [[ $kind == live ]] || grep -A1 'unreached in proctype Quiet' report | grep -q '(0 of'; }; then
    line ok "${label//-D/}" '0 errors'
  else
    line FAIL "${label//-D/}" 'expected a complete search without an error'
  fi
}

# finds <pattern> <safety|live> <flags...>: an error, and the right one
finds() {
  local pattern=$1 label="bug ${*:3}"
  shift
  if build_and_run "$@" && grep -qE 'errors: [1-9]' report && grep -E '^pan:1:' report | grep -qE "$pattern"; then
    line ok "${label//-D/}" "found: $found"
  else
    line FAIL "${label//-D/}" "NOT found: $found"
  fi
}
lost() { found='a lost wake-up' finds 'head\[.\]==' "$@"; }
drift() { found='the count drifts' finds 'awake' "$@"; }
flood() { found='doorbells pile up' finds 'door\[' "$@"; }
torn() { found='an unwritten payload is read' finds 'slot\[' "$@"; }
deaf() { found='a control message is not heard' finds 'heard==posted' "$@"; }
endless() { found='polls for ever' finds 'acceptance cycle' "$@"; }

for sleep in PARKED WAIT; do
  s=-D$sleep
  holds safety $s -DFRAMES=3 -DCAP=2
  holds safety $s -DDUPLEX -DFRAMES=3 -DCAP=1
  holds safety $s -DDUPLEX -DFRAMES=4 -DCAP=2
  holds safety $s -DDUPLEX -DCONTROL -DFRAMES=2 -DCAP=1
  holds safety $s -DCONTROL -DFRAMES=1 -DCAP=1
  holds safety $s -DCRASH -DFRAMES=1 -DCAP=1
  holds live $s -DFRAMES=2 -DCAP=2
  holds live $s -DDUPLEX -DFRAMES=3 -DCAP=1
  holds live $s -DDUPLEX -DCONTROL -DFRAMES=1 -DCAP=1

  lost safety $s -DNO_RECHECK -DFRAMES=2
  lost safety $s -DARM_AFTER_CHECK -DFRAMES=2
  lost safety $s -DBELL_BEFORE_TAIL -DFRAMES=2
  torn safety $s -DTAIL_BEFORE_DATA -DFRAMES=2
  drift safety $s -DPLAIN_RING -DFRAMES=2
  drift safety $s -DPLAIN_TAKE -DFRAMES=2
  drift safety $s -DNO_TAKE -DDUPLEX -DCONTROL -DFRAMES=1
  lost safety $s -DWANT_BEFORE_ARM -DDUPLEX -DCAP=1
  lost safety $s -DWANT_BEFORE_HEAD -DDUPLEX -DCAP=1
  lost safety $s -DCRASH -DNO_EXIT_RING -DFRAMES=1
  drift safety $s -DCRASH -DCOUNT -DFRAMES=1
done
flood safety -DPARKED -DNO_OWED -DFRAMES=2
drift safety -DWAIT -DADD_LATE -DDUPLEX -DCONTROL -DFRAMES=1
deaf safety -DWAIT -DCTL_UNSEEN -DDUPLEX -DCONTROL -DFRAMES=1
lost safety -DWAIT -DCRASH -DEXIT_NOTIFY_ONLY -DFRAMES=1
endless live -DWAIT -DCTL_MISCOUNT -DDUPLEX -DCONTROL -DFRAMES=1

holds safety -DMIXED -DFRAMES=2 -DCAP=2
holds safety -DMIXED -DDUPLEX -DFRAMES=3 -DCAP=1
holds live -DMIXED -DDUPLEX -DFRAMES=3 -DCAP=1

if [[ -n ${FULL:-} ]]; then
  for sleep in PARKED WAIT MIXED; do
    s=-D$sleep
    holds safety $s -DFRAMES=3 -DCAP=1
    holds safety $s -DFRAMES=4 -DCAP=2
    holds safety $s -DDUPLEX -DCONTROL -DFRAMES=3 -DCAP=1
    holds safety $s -DCONTROL -DFRAMES=2 -DCAP=2
    holds safety $s -DCRASH -DFRAMES=2 -DCAP=2
    holds live $s -DCONTROL -DFRAMES=1 -DCAP=1
  done
  holds safety -DPARKED -DCRASH -DFRAMES=2 -DCAP=1
  holds safety -DWAIT -DCRASH -DFRAMES=2 -DCAP=1
fi

if ((unexpected > 0)); then
  echo "spin model: $unexpected of $searches searches not as expected"
  exit 1
fi
echo "spin model: ok ($searches searches)"
