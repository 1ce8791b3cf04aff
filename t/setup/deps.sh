#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

# deps.sh PURPOSE...: check that the packages for each purpose (build, check,
# bench) are installed.  On Debian and its derivatives the missing packages are
# installed; on other systems missing build tools are listed.
#
# "a|b" is satisfied by either package; if both are missing, the first one that
# the system offers is installed.

set -eu

build='gcc make perl apache2-bin apache2-dev libjansson-dev libssl-dev
    pkg-config|pkgconf libcurl4-openssl-dev'
check='clang|clang-14|clang-16|clang-19 clang-format-14|clang-format
    ca-certificates curl nghttp2-client
    apache2-utils openssl docker.io|docker-ce docker-cli|docker-ce-cli|docker.io
    containerd|containerd.io runc|containerd.io podman buildah skopeo maven
    default-jdk-headless|openjdk-17-jdk-headless|openjdk-21-jdk-headless
    slapd libaprutil1-ldap libaprutil1-dbd-sqlite3 sqlite3
    libapache2-mod-auth-openidc postgresql
    mariadb-server-core|mariadb-server-core-10.6|mysql-server-core-8.0
    mariadb-client-core|mariadb-client-core-10.6|mysql-client-core-8.0
    libaprutil1-dbd-pgsql libaprutil1-dbd-mysql man-db mandoc
    chromium chromium-driver libnss3-tools'
bench='wrk apache2-utils'

# Print the entries of a list that are not installed, with their alternatives.
missing() {
    for need in $1; do
        for name in $(echo "$need" | tr '|' ' '); do
            dpkg-query -W -f '${db:Status-Status}\n' "$name" 2>/dev/null |
                grep -qx installed && continue 2
        done
        echo "$need"
    done
}

# Print the first alternative of each entry that apt offers, without duplicates.
# The output of apt-cache is checked, because it succeeds without output for a
# name that other packages only mention.
offered() {
    for need in $1; do
        for name in $(echo "$need" | tr '|' ' '); do
            apt-cache show "$name" 2>/dev/null | grep -q . && break
        done
        echo "$name"
    done | sort -u
}

wanted=
for purpose; do
    eval "wanted=\"\$wanted \$$purpose\""
done

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    for tool in gcc make perl pkg-config "${APXS:-apxs}"; do
        command -v "$tool" >/dev/null || absent="${absent:-} $tool"
    done
    for library in jansson libcrypto; do
        pkg-config --exists "$library" 2>/dev/null ||
            absent="${absent:-} $library"
    done
    test -z "${absent:-}" && exit 0
    echo "The build needs these programs and libraries, which are missing:" \
         $absent >&2
    echo "Install them, then run the same command again." >&2
    exit 1
fi

need=$(missing "$wanted")
test -z "$need" && exit 0

root=
if test "$(id -u)" != 0; then
    root=sudo
    if ! command -v sudo >/dev/null; then
        echo "Cannot install packages: this user is not root, and sudo is not" \
             "available.  Install these packages as root, then run the same" \
             "command again:" $(offered "$need") >&2
        exit 1
    fi
fi

names=$(offered "$need")
echo "Installing" $names
install="$root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q
    --no-install-recommends"
$install $names >/dev/null 2>&1 && exit 0
$root apt-get update -q >/dev/null || true
names=$(offered "$need")
if ! $install $names; then
    echo "apt-get could not install these packages:" $names >&2
    echo "Its messages are above.  Install the packages yourself, then run" \
         "the same command again." >&2
    exit 1
fi
