# Sourced by the other scripts: the packages that linreg is built from, and the build itself.
#
# LINREG_PYTHON=PYTHON takes LibTorch from that Python's PyTorch, in a build folder of its own; so does an active
# virtual environment that has PyTorch. Otherwise LibTorch is the distribution's.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

has_torch='import importlib.util, sys; sys.exit(importlib.util.find_spec("torch") is None)'
if [ -z "${LINREG_PYTHON:-}" ] && "${VIRTUAL_ENV:-/nowhere}/bin/python" -c "$has_torch" 2> /dev/null; then
  LINREG_PYTHON=$VIRTUAL_ENV/bin/python
fi

packages=(ca-certificates cmake g++ libcli11-dev libfmt-dev libgoogle-perftools-dev libgtest-dev libutfcpp-dev
  ninja-build nlohmann-json3-dev)
build_suffix=
configure_options=()
if [ -n "${LINREG_PYTHON:-}" ]; then
  build_suffix=-python
  configure_options=(-DLINREG_PYTHON="$(realpath -s "$LINREG_PYTHON")")
else
  packages+=(libtorch-dev python3-torch)
fi

# Installs those of `packages` and of the arguments that are missing. Says nothing when all are there.
install_packages() {
  packages+=("$@")
  if ! command -v dpkg-query > /dev/null || ! command -v apt-get > /dev/null; then
    command -v cmake > /dev/null && return  # another system, set up by hand
    echo "linreg: this system has no apt-get; install by hand what Debian calls: ${packages[*]}" >&2
    exit 1
  fi
  local missing
  missing=$(comm -23 <(printf '%s\n' "${packages[@]}" | sort) \
    <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${packages[@]}" 2> /dev/null |
      sed -n 's/^installed //p' | sort -u) | tr '\n' ' ')
  [ -n "$missing" ] || return 0
  local sudo=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo > /dev/null || {
      echo "linreg: become root, or install by hand: $missing" >&2
      exit 1
    }
    sudo=(sudo)
  fi
  echo "linreg: installing $missing" >&2
  "${sudo[@]}" apt-get update -q >&2
  # shellcheck disable=SC2086
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing >&2
}

# Configures and builds preset $1, all of it or the targets that follow, in $build_folder. Silent when up to date.
build() {
  local preset=$1
  shift
  build_folder=$root/build/$preset$build_suffix
  cd "$root"
  mkdir -p build
  if [ ! -e "$build_folder/build.ninja" ] ||
    ! grep -qF "${configure_options[*]#-D*=}" "$build_folder/CMakeCache.txt"; then
    cmake --preset "$preset" -B "$build_folder" "${configure_options[@]}" > "$build_folder.log" 2>&1 || {
      cat "$build_folder.log" >&2
      exit 1
    }
  fi
  if ! ninja -C "$build_folder" -n "$@" 2> /dev/null | grep -q 'no work to do'; then
    ninja -C "$build_folder" "$@" >&2
  fi
}
