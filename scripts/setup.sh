# Sourced by the other scripts: the packages that linreg is built from, and the build itself.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Installs those of the named Debian packages that are missing. Says nothing when all are there.
install_packages() {
  if ! command -v dpkg-query > /dev/null || ! command -v apt-get > /dev/null; then
    command -v cmake > /dev/null && return  # another system, set up by hand
    echo "linreg: this system has no apt-get; install by hand what Debian calls: $*" >&2
    exit 1
  fi
  local missing
  missing=$(comm -23 <(printf '%s\n' "$@" | sort) \
    <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2> /dev/null |
      sed -n 's/^installed //p' | sort -u))
  [ -n "$missing" ] || return 0
  local sudo=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo > /dev/null || {
      echo "linreg: become root, or install by hand: $(echo $missing)" >&2
      exit 1
    }
    sudo=(sudo)
  fi
  echo "linreg: installing" $missing >&2
  export DEBIAN_FRONTEND=noninteractive
  {
    "${sudo[@]}" apt-get update -q
    "${sudo[@]}" apt-get install -y -q --no-install-recommends $missing
  } >&2
}

# Configures and builds the preset $1, all of it or the targets that follow. Silent when up to date.
build() {
  local preset=$1 folder=$root/build/$1
  shift
  cd "$root"
  if [ ! -e "$folder/build.ninja" ]; then
    cmake --preset "$preset" >&2
  fi
  if ! ninja -C "$folder" -n "$@" 2> /dev/null | grep -q 'no work to do'; then
    ninja -C "$folder" "$@" >&2
  fi
}

packages=(ca-certificates cmake g++ libcli11-dev libfmt-dev libgtest-dev libtorch-dev ninja-build
  nlohmann-json3-dev python3-torch)
