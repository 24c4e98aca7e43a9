#!/usr/bin/env bats
# What scripts say: one line that a terminal only shows, whatever a guest or a file has put into it.

# shellcheck disable=SC2016  # for a shell of their own

load fake_guest

# Text from outside, as printf takes it, and how it is shown.
declare -gA SHOWN=(
  ['\033[2J\033]0;title\a']='\x1b[2J\x1b]0;title\x07'
  ['a\tb\nc\rd\n']='a\tb\nc\rd\n'
  ['\302\2331m']='\x9b1m'
  ['\342\200\256abc\342\201\246']='\u202eabc\u2066'
  ['\342\200\250\342\200\251']='\u2028\u2029'
  ['\342\200\213\357\273\277']='\u200b\ufeff'
  ['\177\001']='\x7f\x01'
  ['\302\265s \342\206\222 \303\274 * $(id) "']='µs → ü * $(id) "'
)

@test "what moves a terminal's cursor or turns text around is shown as text, in any locale, and by Python alike" {
  local format text locale
  for format in "${!SHOWN[@]}"; do
    # shellcheck disable=SC2059  # it is one
    printf -v text "$format"
    for locale in C C.UTF-8; do
      run env LC_ALL="$locale" bash -c 'source "$1/qemu/target.sh"; die 7 "$2"' script.sh "$ROOT" "$text"
      exits 7
      [[ $output == "script.sh: ${SHOWN[$format]}" ]] || { echo "$format: $output" && return 1; }
    done
    run env PYTHONPATH="$ROOT/scripts" /usr/bin/python3 -c \
      'import sys; from lab.text.outside import visible; print(visible(sys.argv[1]))' "$text"
    [[ $output == "${SHOWN[$format]}" ]] || { echo "Python, $format: $output" && return 1; }
  done
}

@test "a byte that is no character is shown as its number" {
  run bash -c 'source "$1/qemu/target.sh"; visible "$2"' script.sh "$ROOT" $'a\233\377b'
  [[ $output == 'a\x9b\xffb' ]]
}

@test "a long text loses its middle, and keeps its end" {
  run bash -c 'source "$1/qemu/target.sh"; visible "$2"' script.sh "$ROOT" "begin$(printf 'x%.0s' {1..9999})end"
  ((${#output} == 300))
  [[ $output == beginx*xxx[[]...]xxx*xend ]]
  run bash -c 'source "$1/qemu/target.sh"; die 1 "$2"' script.sh "$ROOT" "$(printf 'x\n%.0s' {1..9999})end"
  [[ ${#lines[@]} == 1 && $output == *end ]]
}

@test "a sweep as root says once that nothing needs it" {
  ((EUID == 0)) || skip "for root only"
  local told="runs as root, which only installing packages needs"
  run "$ROOT/scripts/run_scenarios.sh" --plan-only t000
  exits 0
  [[ $output != *"$told"* ]]
  run "$ROOT/scripts/run_scenarios.sh" --timing exact --reps 1 t000
  exits 0
  [[ $(grep -c "$told" <<<"$output") == 1 ]]
}
