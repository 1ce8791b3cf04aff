#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

# run.sh: serve a registry on the loopback address in the foreground, with
# conf/run.conf.  Environment: APXS, PORT, and STORE, the directory for the
# registry; if it is empty, a directory is chosen below.  "make -f Makefile.apxs
# run" calls it.

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

# If root runs this script, httpd's children run as another user, which may not
# enter root's home: the default directory is then below /var/lib.  The children
# run as the owner of the directory if it exists and is not root's, otherwise as
# the first of the usual httpd users that exists.
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
            fail "Cannot create the directory $STORE:" \
                 "set STORE to another one."
    fi
    GROUP=$(id -gn "$OWNER")
else
    STORE=${STORE:-${XDG_DATA_HOME:-$HOME/.local/share}/mod_oci}
    mkdir -p "$STORE" 2>/dev/null ||
        fail "Cannot create the directory $STORE: set STORE to another one."
fi
test -d "$STORE" || fail "$STORE is not a directory: set STORE to a directory."
STORE=$(cd "$STORE" && pwd)

# Try to write as the user that httpd's children will have.
perl -e '($(, $)) = ($ARGV[1], "$ARGV[1] $ARGV[1]"); ($<, $>) = ($ARGV[0]) x 2;
    mkdir "$ARGV[2]/.try$$" or exit 1; rmdir "$ARGV[2]/.try$$"' \
    "$(id -u "$OWNER")" "$(id -g "$OWNER")" "$STORE" ||
    fail "User $OWNER cannot write to the directory $STORE: make it the owner," \
         "or set STORE to a directory that does not exist yet."

perl -MIO::Socket::INET -e 'exit !IO::Socket::INET->new(Listen => 1,
    LocalAddr => "127.0.0.1", LocalPort => shift, ReuseAddr => 1)' "$PORT" ||
    fail "Cannot listen on port $PORT of 127.0.0.1: set PORT to another one."

RUN=$(mktemp -d) && chmod 755 "$RUN"
trap 'rm -rf "$RUN"' EXIT
export PORT STORE MODULE MODULES RUN OWNER GROUP

cat <<END

Serving a registry at http://127.0.0.1:$PORT/v2/ from $STORE,
and a page that shows it at http://127.0.0.1:$PORT/.  For monitoring, there are
http://127.0.0.1:$PORT/health and http://127.0.0.1:$PORT/metrics.
Commands to try in another terminal:

    curl http://127.0.0.1:$PORT/v2/_catalog
    docker pull hello-world
    docker tag hello-world 127.0.0.1:$PORT/hello
    docker push 127.0.0.1:$PORT/hello
    oras push --plain-http 127.0.0.1:$PORT/notes:1 README:text/plain
    oras pull --plain-http -o /tmp/notes 127.0.0.1:$PORT/notes:1

Press Ctrl-C to stop the server.  The registry's content is kept.

END

# Ctrl-C signals httpd as well, so this shell only waits for it.  A second
# signal is sent only if wait itself was interrupted.
trap : INT TERM HUP
"$httpd" -f "$top/conf/run.conf" $define -DFOREGROUND &
pid=$!
status=0
wait $pid || status=$?
if test $status -gt 128; then
    kill -TERM $pid 2>/dev/null || true
    wait $pid && status=0 || status=$?
fi
test $status = 0 ||
    fail "httpd did not start, or it exited with status $status."
