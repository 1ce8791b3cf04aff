#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

# axe.sh: print the path of axe-core, which checks whether a page is accessible.
# It is fetched with npm, once, into the directory that clients.sh uses.

set -eu

version=4.14.1
cache=${MOD_OCI_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/mod_oci}
dir=$cache/axe-core-$version
if ! test -e "$dir/axe.min.js"; then
    mkdir -p "$cache"
    work=$(mktemp -d "$dir.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    cd "$work"
    npm pack --silent "axe-core@$version" >/dev/null
    tar xzf "axe-core-$version.tgz" package/axe.min.js
    mkdir -p "$dir"
    mv package/axe.min.js "$dir/axe.min.js"
fi
echo "$dir/axe.min.js"
