# Shared by the scripts: packages, configuration, messages. POSIX shell, sourced.
# SPDX-License-Identifier: Apache-2.0

root=$(cd "$(dirname "$0")/.." && pwd)

say() { printf '%s\n' "$*"; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

# Debian and Ubuntu packages of the toolchain; tests add cmocka.
build_packages="gcc libc6-dev cmake ninja-build pkg-config protobuf-c-compiler libprotobuf-c-dev libhdf5-dev
libjpeg62-turbo-dev libpng-dev zlib1g-dev libjansson-dev libyaml-dev libxxhash-dev libpthreadpool-dev libfp16-dev"
test_packages="libcmocka-dev binutils g++ python3-numpy"

installed() { dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'install ok installed'; }

# Ubuntu names the JPEG package differently.
package_name() {
    if [ "$1" = libjpeg62-turbo-dev ] && ! apt-cache show "$1" >/dev/null 2>&1 &&
        apt-cache show libjpeg-turbo8-dev >/dev/null 2>&1; then
        echo libjpeg-turbo8-dev
    else
        echo "$1"
    fi
}

# install_packages NAME...: installs what is missing, says which, uses sudo only when needed.
install_packages() {
    command -v dpkg-query >/dev/null 2>&1 || {
        say "This is not a Debian-like system: install these yourself: $*"
        return 0
    }
    missing=
    for p in "$@"; do
        name=$(package_name "$p")
        installed "$name" || missing="$missing $name"
    done
    [ -z "$missing" ] && return 0
    as_root=
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null 2>&1 ||
            fail "these packages are missing and neither root nor sudo is at hand:$missing"
        as_root=sudo
    fi
    say "Installing packages:$missing"
    log=$(mktemp)
    if ! { $as_root apt-get update -qq && $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends $missing; } >"$log" 2>&1; then
        tail -n 3 "$log" >&2
        rm -f "$log"
        fail "could not install$missing (no network?). Install them by hand and run this again."
    fi
    rm -f "$log"
}

# configure_and_build PRESET [TARGETS...]: quiet unless it fails.
configure_and_build() {
    preset=$1
    shift
    dir="$root/build/$preset"
    mkdir -p "$dir"
    if [ ! -f "$dir/build.ninja" ]; then
        (cd "$root" && cmake --preset "$preset" >"$dir/configure.log" 2>&1) || {
            tail -n 20 "$dir/configure.log" >&2
            fail "configuration failed; the whole output is in $dir/configure.log"
        }
    fi
    cmake --build "$dir" --parallel "$(nproc)" ${1:+--target "$@"} >"$dir/build.log" 2>&1 || {
        tail -n 30 "$dir/build.log" >&2
        fail "the build failed; the whole output is in $dir/build.log"
    }
}
