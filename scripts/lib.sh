# Shared by the scripts in this folder; read with `.`, not run. Sets the folders they agree on and a few small words.
# shellcheck shell=bash disable=SC2034

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
data="${LECTERN_DATA:-${XDG_DATA_HOME:-$HOME/.local/share}/lectern}"       # the same rule as `models::data_folder`
test_cache="${XDG_CACHE_HOME:-$HOME/.cache}/lectern-test"                  # what only the tests need

node_version=24.19.0                                                       # of Python's package of Node, where the system has none

# A toolchain that rustup installed a minute ago is not on this shell's PATH yet.
PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
export PATH PIP_ROOT_USER_ACTION=ignore       # pip's warning is about the system's own packages; we never touch those

say() { printf '%s\n' "$*"; }
fail() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

# has_sum FILE SHA256: the file is there and is the right one.
has_sum() { [ -s "$1" ] && printf '%s  %s\n' "$2" "$1" | sha256sum --check --status; }

# python: the interpreter used for pip and for the recogniser; Debian's own first, because its pip package is in the list of `setup`.
python() {
  local candidate
  for candidate in /usr/bin/python3 python3; do
    if "$candidate" -c 'import pip' 2>/dev/null; then command -v "$candidate"; return; fi
  done
  fail "no python3 with pip: install python3-pip (scripts/setup does it on Debian and Ubuntu)"
}

# unpack WHEEL MEMBER FILE: one member of a Python package, published by rename, so a broken download leaves nothing behind.
unpack() {
  mkdir -p "$(dirname "$3")"
  unzip -p "$1" "$2" > "$3.part.$$"
  mv "$3.part.$$" "$3"
}

# timed COMMAND...: runs it as a step with a heading and its time.
timed() {
  local name="${1##*/}" start=$SECONDS
  say "== $name"
  "$@"
  say "   $name: $((SECONDS - start)) s"
}
