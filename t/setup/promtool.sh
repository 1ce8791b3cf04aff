#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

# promtool.sh: print the path of promtool.  On Debian and its derivatives it is
# taken out of the package prometheus, which is not installed: it would start a
# server.  Prints nothing if there is none.

set -u

cache=${MOD_OCI_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/mod_oci}/promtool
command -v promtool && exit 0
if ! test -x "$cache/promtool"; then
    mkdir -p "$cache" || exit 0
    exec 9>"$cache/lock"
    flock 9
    cd "$cache" || exit 0
    test -x promtool || {
        apt-get download prometheus && dpkg-deb -x prometheus_*.deb tree &&
            mv tree/usr/bin/promtool promtool
        rm -rf tree prometheus_*.deb
    } >/dev/null 2>&1
fi
test ! -x "$cache/promtool" || echo "$cache/promtool"
exit 0
