#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

# run.sh: serve a registry on loopback in the foreground, with conf/run.conf.
# In: APXS, PORT, STORE (empty: a folder of the user's).  "make -f
# Makefile.apxs run" calls it.

set -eu

fail() {
    echo "$*" >&2
    exit 1
}

top=$(cd "$(dirname "$0")/.." && pwd)
: "${APXS:=apxs}" "${PORT:=5000}" "${STORE:=}"
MODULE=$top/.build/mod/.libs/mod_oci.so
MODULES=$($APXS -q LIBEXECDIR)
httpd=$($APXS -q SBINDIR)/$($APXS -q PROGNAME)
OWNER=$(id -un) GROUP=$(id -gn)
define=-DUSER

# httpd's children do not run as root, and so could not enter root's home: a
# registry of root's lies where a system keeps its data.  It belongs to whoever
# owns the folder already, else to the user that the system keeps for httpd.
if test "$(id -u)" = 0; then
    define=-DROOT
    STORE=${STORE:-/var/lib/mod_oci}
    for OWNER in www-data apache http daemon nobody; do
        id "$OWNER" >/dev/null 2>&1 && break
    done
    if test -d "$STORE" && test "$(stat -c %u "$STORE")" != 0; then
        OWNER=$(stat -c %U "$STORE")
    elif ! test -e "$STORE"; then
        mkdir -p "$STORE" 2>/dev/null && chown "$OWNER:" "$STORE" ||
            fail "The folder $STORE cannot be made: set STORE to another."
    fi
    GROUP=$(id -gn "$OWNER")
else
    STORE=${STORE:-${XDG_DATA_HOME:-$HOME/.local/share}/mod_oci}
    mkdir -p "$STORE" 2>/dev/null ||
        fail "The folder $STORE cannot be made: set STORE to another."
fi
test -d "$STORE" || fail "$STORE is no folder: set STORE to one."
STORE=$(cd "$STORE" && pwd)

# As the user whom httpd's children will be.
perl -e '($(, $)) = ($ARGV[1], "$ARGV[1] $ARGV[1]"); ($<, $>) = ($ARGV[0]) x 2;
    mkdir "$ARGV[2]/.try$$" or exit 1; rmdir "$ARGV[2]/.try$$"' \
    "$(id -u "$OWNER")" "$(id -g "$OWNER")" "$STORE" ||
    fail "The folder $STORE is not writable for $OWNER: set STORE to another."

perl -MIO::Socket::INET -e 'exit !IO::Socket::INET->new(Listen => 1,
    LocalAddr => "127.0.0.1", LocalPort => shift, ReuseAddr => 1)' "$PORT" ||
    fail "Port $PORT of 127.0.0.1 cannot be had: set PORT to another."

RUN=$(mktemp -d) && chmod 755 "$RUN"
trap 'rm -rf "$RUN"' EXIT
export PORT STORE MODULE MODULES RUN OWNER GROUP

cat <<END

A registry at http://127.0.0.1:$PORT/v2/, kept in $STORE.
To try from another terminal:

    curl http://127.0.0.1:$PORT/v2/_catalog
    docker pull hello-world
    docker tag hello-world 127.0.0.1:$PORT/hello
    docker push 127.0.0.1:$PORT/hello
    oras push --plain-http 127.0.0.1:$PORT/notes:1 README:text/plain
    oras pull --plain-http -o /tmp/notes 127.0.0.1:$PORT/notes:1

Ctrl-C ends it; what was pushed stays.

END

# Ctrl-C reaches httpd as well: it is left to end by itself, once.
trap : INT TERM HUP
"$httpd" -f "$top/conf/run.conf" $define -DFOREGROUND &
pid=$!
status=0
wait $pid || status=$?
if test $status -gt 128; then
    kill -TERM $pid 2>/dev/null || true
    wait $pid && status=0 || status=$?
fi
test $status = 0 || fail "httpd did not start or ended with status $status."
