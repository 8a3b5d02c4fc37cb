#!/usr/bin/env bash
# Checks test/model/bell.pml with SPIN: the correct protocol exhaustively, and that every deliberate bug is found.
# One line per search. Exits 1 if anything is not as expected, 0 if SPIN or a C compiler is missing.
# JOBS=n searches at a time (2). FULL=1 adds the large searches (about 15 minutes, up to 8 GB).
set -euo pipefail

model=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/bell.pml
compiler=${CC:-$(command -v cc || command -v gcc || command -v clang || true)}
# another tool is called `spin` too (Fermyon's), so ask it who it is
if [[ -z $compiler ]] || [[ $(spin -V 2>/dev/null || true) != 'Spin Version'* ]]; then
  echo 'spin model: skipped (spin not installed: apt-get install spin)'
  exit 0
fi

# <expected> <flags>; expected is `holds` or the kind of bug. -DLIVE searches for cycles, the others for states.
searches=()
for s in -DPARKED -DWAIT; do
  searches+=(
    "holds $s -DFRAMES=3 -DCAP=2"
    "holds $s -DDUPLEX -DFRAMES=3 -DCAP=1"
    "holds $s -DDUPLEX -DFRAMES=3 -DCAP=2"
    "holds $s -DDUPLEX -DCONTROL -DFRAMES=1 -DCAP=1"
    "holds $s -DLIVE -DDUPLEX -DFRAMES=3 -DCAP=1"
    "holds $s -DLIVE -DDUPLEX -DCONTROL -DFRAMES=1 -DCAP=1"
    "lost $s -DNO_RECHECK -DFRAMES=2"
    "lost $s -DARM_AFTER_CHECK -DFRAMES=2"
    "lost $s -DWANT_BEFORE_ARM -DDUPLEX -DCAP=1"
    "lost $s -DNO_SPACE_LOOK -DDUPLEX -DCAP=1"
    "drift $s -DNO_TAKE -DDUPLEX -DCONTROL -DFRAMES=1"
    "lost $s -DCRASH -DNO_EXIT_RING -DFRAMES=1"
  )
done
searches+=(
  "holds -DWAIT -DCRASH -DFRAMES=1 -DCAP=1"
  "holds -DMIXED -DFRAMES=2 -DCAP=2"
  "holds -DMIXED -DDUPLEX -DFRAMES=3 -DCAP=1"
  "holds -DMIXED -DLIVE -DDUPLEX -DFRAMES=2 -DCAP=1"
  "lost -DPARKED -DBELL_BEFORE_TAIL -DFRAMES=2"
  "torn -DPARKED -DTAIL_BEFORE_DATA -DFRAMES=2"
  "lost -DPARKED -DWANT_BEFORE_HEAD -DDUPLEX -DCAP=1"
  "lost -DPARKED -DGOAL_TOO_FAR -DDUPLEX -DCAP=2"
  "drift -DPARKED -DPLAIN_RING -DFRAMES=2"
  "drift -DPARKED -DPLAIN_TAKE -DFRAMES=2"
  "flood -DPARKED -DNO_OWED -DFRAMES=2"
  "drift -DWAIT -DADD_LATE -DDUPLEX -DCONTROL -DFRAMES=1"
  "deaf -DWAIT -DCTL_UNSEEN -DDUPLEX -DCONTROL -DFRAMES=1"
  "endless -DWAIT -DLIVE -DCTL_MISCOUNT -DDUPLEX -DCONTROL -DFRAMES=1"
  "lost -DWAIT -DCRASH -DEXIT_NOTIFY_ONLY -DFRAMES=1"
  "drift -DPARKED -DCRASH -DCOUNT -DFRAMES=1"
)
if [[ -n ${FULL:-} ]]; then
  for s in -DPARKED -DWAIT -DMIXED; do
    searches+=(
      "holds $s -DFRAMES=3 -DCAP=1"
      "holds $s -DFRAMES=4 -DCAP=2"
      "holds $s -DDUPLEX -DFRAMES=4 -DCAP=2"
      "holds $s -DDUPLEX -DCONTROL -DFRAMES=3 -DCAP=1"
      "holds $s -DCONTROL -DFRAMES=2 -DCAP=2"
      "holds $s -DCRASH -DFRAMES=2 -DCAP=2"
      "holds $s -DLIVE -DFRAMES=2 -DCAP=2"
      "holds $s -DLIVE -DCONTROL -DFRAMES=1 -DCAP=1"
    )
  done
  searches+=("holds -DPARKED -DCRASH -DFRAMES=2 -DCAP=1" "holds -DWAIT -DCRASH -DFRAMES=2 -DCAP=1")
fi

build=$(mktemp -d "${TMPDIR:-/tmp}/spin-XXXXXX")
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$build"' EXIT

# what pan says of each kind of bug, and what we say
pattern() {
  case $1 in
    lost) echo 'head\[.\]==' ;; drift) echo 'awake' ;; flood) echo 'door\[' ;; torn) echo 'slot\[' ;;
    deaf) echo 'heard==posted' ;; endless) echo 'acceptance cycle' ;;
  esac
}
meaning() {
  case $1 in
    lost) echo 'a lost wake-up' ;; drift) echo 'the count of awake loops drifts' ;; flood) echo 'doorbells pile up' ;;
    torn) echo 'an unwritten payload is read' ;;
    deaf) echo 'a control message is not heard' ;; endless) echo 'a loop polls for ever' ;;
  esac
}

# complete: the search was exhaustive, without error, and reached what it has to judge (it was not vacuous)
complete() {
  grep -q 'errors: 0$' report || return 1
  ! grep -qE 'not completed|depth too small|out of memory|truncated' report || return 1
  if [[ $1 == live ]]; then grep -q 'never claim.*(settles)' report; else
    grep -A1 'unreached in proctype Quiet' report | grep -q '(0 of'
  fi
}

# search <expected> <flags...>: in an empty directory; prints its line, leaves a file `failed` if not as expected
search() {
  local expected=$1 kind=safety optimise=-O0 options='-DSAFETY' arguments='' verdict=FAIL words states
  shift
  [[ " $* " != *' -DLIVE '* ]] || { kind=live options='-DNFAIR=3' arguments='-a -f'; }
  # optimising costs a second: only for the searches that run longer than that
  [[ $expected != holds || " $* " == *' -DDUPLEX -DFRAMES='* ]] || optimise=-O1
  # shellcheck disable=SC2086
  { spin -a "$@" "$model" && $compiler $optimise -w -DCOLLAPSE -DMEMLIM=8000 $options -o pan pan.c; } >report 2>&1 \
    && { ./pan $arguments >report 2>&1 || true; }
  if [[ $expected == holds ]]; then
    words='expected a complete search without an error'
    if complete $kind; then verdict=ok words='0 errors'; fi
  else
    words="NOT found: $(meaning "$expected")"
    if grep -qE 'errors: [1-9]' report && grep '^pan:1:' report | grep -q "$(pattern "$expected")"; then
      verdict=ok words="found: $(meaning "$expected")"
    fi
  fi
  states=$(sed -nE 's/^ *([0-9.e+]+) states, stored.*/\1/p' report)
  local label="${*//-D/}"
  printf '%-5s%-48s%12s states  %s\n' $verdict "$label" "${states:-?}" "$words"
  if [[ $verdict != ok ]]; then
    sed 's/^/     | /' report | head -25
    touch "$build/failed"
  fi
}

lanes=${JOBS:-2}
for ((lane = 0; lane < lanes; lane++)); do
  for ((i = lane; i < ${#searches[@]}; i += lanes)); do
    mkdir "$build/$i"
    cd "$build/$i"
    # shellcheck disable=SC2086
    search ${searches[i]}
    cd "$build"
    rm -rf "${build:?}/$i"
    touch "$build/done.$i"
  done &
done
wait

finished=$(find "$build" -name 'done.*' | wc -l)
if [[ -e $build/failed ]] || ((finished != ${#searches[@]})); then
  echo "spin model: FAILED ($finished of ${#searches[@]} searches ran)"
  exit 1
fi
echo "spin model: ok (${#searches[@]} searches)"
