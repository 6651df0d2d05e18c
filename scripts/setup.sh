# Sourced by the other scripts: the packages that linreg is built from, and the build itself.
#
# LINREG_PYTHON=PYTHON takes LibTorch from that Python's PyTorch, in a build folder of its own; so does an active
# virtual environment that has PyTorch. Otherwise LibTorch is the distribution's.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
invocation="$0 $*"

# Prints the comment at the head of the script, which is its usage, if the arguments ask for it.
answer_help() {
  [[ " $* " =~ \ (-h|--help)\  ]] || return 0
  sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"
  exit 0
}

has_torch='import importlib.util, sys; sys.exit(importlib.util.find_spec("torch") is None)'
if [ -z "${LINREG_PYTHON:-}" ] && "${VIRTUAL_ENV:-/nowhere}/bin/python" -c "$has_torch" 2> /dev/null; then
  LINREG_PYTHON=$VIRTUAL_ENV/bin/python
fi

packages=(ca-certificates cmake g++ gnuplot-nox libcli11-dev libfmt-dev libgoogle-perftools-dev libgtest-dev
  libutfcpp-dev ninja-build nlohmann-json3-dev)
build_suffix=
configure_options=()
if [ -n "${LINREG_PYTHON:-}" ]; then
  build_suffix=-python
  python_program=$(command -v "$LINREG_PYTHON") || {
    echo "linreg: LINREG_PYTHON names $LINREG_PYTHON, and there is no such program" >&2
    exit 1
  }
  configure_options=(-DLINREG_PYTHON="$(realpath -s "$python_program")")
else
  packages+=(libtorch-dev python3-torch)
fi

# step WHAT LOG COMMAND...: runs COMMAND with its output in build/LOG.log. Says in one line what it does and how long
# that took; when it fails, shows the log's end.
step() {
  local what=$1 log=$root/build/$2.log start=$SECONDS
  shift 2
  mkdir -p "$root/build"
  echo -n "linreg: $what ... " >&2
  "$@" > "$log" 2>&1 < /dev/null || {
    echo "failed; the end of $log:" >&2
    tail -n 20 "$log" >&2
    exit 1
  }
  echo "$((SECONDS - start)) s" >&2
}

# Installs those of `packages` and of the arguments that are missing. Says nothing when all are there.
install_packages() {
  packages+=("$@")
  if ! command -v dpkg-query > /dev/null || ! command -v apt-get > /dev/null; then
    command -v cmake > /dev/null && return  # another system, set up by hand
    echo "linreg: this system has no apt-get; install by hand what Debian calls: ${packages[*]}" >&2
    exit 1
  fi
  local missing
  mapfile -t missing < <(comm -23 <(printf '%s\n' "${packages[@]}" | sort) \
    <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${packages[@]}" 2> /dev/null |
      sed -n 's/^installed //p' | sort -u))
  [ ${#missing[@]} -gt 0 ] || return 0

  local install=(apt-get install -y --no-install-recommends "${missing[@]}") cost
  local as_root=(env DEBIAN_FRONTEND=noninteractive) is_root=true
  [ "$(id -u)" -eq 0 ] || as_root=(sudo "${as_root[@]}")
  "${as_root[@]}" true 2> /dev/null || is_root=false
  ! $is_root || step "apt-get update" apt-update "${as_root[@]}" apt-get update
  if [[ " ${missing[*]} " == *" libtorch-dev "* && -n "$(apt-cache show cmake 2> /dev/null)" &&
    -z "$(apt-cache show libtorch-dev 2> /dev/null)" ]]; then
    echo "linreg: apt has no libtorch-dev here; take pip's PyTorch: python3 -m venv build/venv &&" \
      "build/venv/bin/pip install torch && LINREG_PYTHON=build/venv/bin/python $invocation" >&2
    exit 1
  fi
  cost=$(LC_ALL=C "${install[@]}" --print-uris 2> /dev/null |
    sed -n 's/^Need to get \(.*\) of archives.*/ (\1 to download, /p; s/^After .*, \(.*\) of add.*/\1 on disk)/p' |
    tr -d '\n') || true
  if ! $is_root; then
    echo "linreg: packages are missing$cost; as root, run this line, and then again what you ran:" >&2
    echo "apt-get update && ${install[*]}" >&2
    exit 1
  fi
  echo "linreg: missing: ${missing[*]}$cost" >&2
  # apt-get would keep what it downloaded, a quarter as much again on the disk.
  step "apt-get install" apt-install "${as_root[@]}" "${install[@]}" -o APT::Keep-Downloaded-Packages=false
}

# Configures and builds preset $1, all of it or the targets that follow, in $build_folder. Silent when up to date.
build() {
  local preset=$1 start=$SECONDS
  shift
  build_folder=$root/build/$preset$build_suffix
  local name=${build_folder#"$root/"} quiet=()
  cd "$root"
  if [ ! -e "$build_folder/build.ninja" ] ||
    ! grep -qF "${configure_options[*]#-D*=}" "$build_folder/CMakeCache.txt"; then
    step "configuring $name" "$preset$build_suffix" \
      cmake --preset "$preset" -B "$build_folder" "${configure_options[@]}"
  fi
  if ! ninja -C "$build_folder" -n "$@" 2> /dev/null | grep -q 'no work to do'; then
    [ -t 2 ] || quiet=(--quiet)  # a terminal gets one line that counts, a log the warnings only
    echo "linreg: building $name" >&2
    ninja -C "$build_folder" "${quiet[@]}" "$@" >&2
    echo "linreg: built $name in $((SECONDS - start)) s" >&2
  fi
}
