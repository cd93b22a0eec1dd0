# Shared by the scripts here: what must be installed, and where things lie. Sourced, never run.
# shellcheck shell=bash disable=SC2034  # the lists are used by those who source this

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly root

# What the build and the demo need.
readonly build_packages=(
    gcc libc6-dev cmake ninja-build pkg-config
    libcjson-dev libssl-dev libsqlite3-dev libcurl4-openssl-dev libssh-dev libmicrohttpd-dev libpq-dev
    libcmocka-dev # the tests are built with everything else
    gnuplot-nox   # the report's plots
)

# What the tests need beside that.
readonly test_packages=(
    binutils clang clang-format universal-ctags python3 python3-jsonschema
    openssh-client openssh-sftp-server rsync bubblewrap # real clients, and what sandboxed hosts are made with
    rclone # against the object store
    postgresql-15 # tests start a server of their own
)

# What scripts/bench needs beside the build; it measures against sshd only where that is installed.
readonly bench_packages=(python3 curl openssh-client bubblewrap)

# What .ci/run and scripts/lint need beside that.
readonly check_packages=(
    clang-tidy libclang-rt-14-dev valgrind
    openssh-server # one test program talks to it where it is installed; not for everybody: Debian starts it as a service
)

say() {
    printf '== %s\n' "$*"
}

die() {
    printf 'error: %s\n' "$*" >&2
    exit 3
}

# Runs a command as root.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "packages must be installed: run this as root, or install sudo"
    fi
}

is_installed() {
    [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Debian makes a cluster and starts its server whenever a PostgreSQL is installed, unless this file is there meanwhile.
readonly no_cluster=/etc/postgresql-common/createcluster.d/dumont.conf

# install_missing PACKAGE…: installs those that are not there, and says so.
install_missing() {
    command -v dpkg-query >/dev/null || {
        say "this is no Debian: make sure that these are installed: $*"
        return
    }
    local package missing=()
    for package in "$@"; do
        is_installed "$package" || missing+=("$package")
    done
    if [ "${#missing[@]}" -eq 0 ]; then
        return
    fi
    say "installing ${missing[*]}"
    as_root apt-get update -qq
    as_root mkdir -p "${no_cluster%/*}"
    echo 'create_main_cluster = false' | as_root tee "$no_cluster" >/dev/null
    local status=0
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null || status=$?
    as_root rm -f "$no_cluster"
    return "$status"
}

# build_preset PRESET [OPTION…]: configures and builds into build/PRESET; the options go on to cmake --build.
build_preset() {
    local build=$root/build/$1
    say "building $build"
    (cd "$root" && cmake --preset "$1" >/dev/null) || return
    shift
    cmake --build "$build" "$@"
}

# The C files of the project, or of the files and folders given, each ended by a NUL.
c_files() {
    if [ "$#" -eq 0 ]; then
        set -- "$root"/{src,fakes,sim,tests,bench}
    fi
    find "$@" -type f -name '*.[ch]' -print0 | sort -z
}
