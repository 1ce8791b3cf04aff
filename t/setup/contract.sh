#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

# contract.sh index|blob MODULE.so RECORD PROVIDER[:TYPE] LOCATION: ask a
# provider in a module of anybody's to keep the contract.  "make -f
# Makefile.apxs contract" builds the programs and calls it.
#
# There is no httpd then.  Whichever functions of httpd's the module names, for
# its hooks, directives or logs, are stand-ins here that do nothing: a library
# that holds them and depends on the module is loaded in its place.

set -eu

test $# = 5 || { sed -n '12,14s/^# //p' "$0" >&2; exit 2; }
kind=$1 module=$(realpath "$2") record=$3 provider=$4 location=$5
programs=$(cd "$(dirname "$0")/../.." && pwd)/.build/bin/store

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
nm -D --undefined-only "$module" |
    sed -n 's/^ *U \(ap_[a-z0-9_]*\)$/long \1(void) { return 0; }/p' |
    grep -v ' ap_register_provider(' > "$work/stand_in.c" || true
cp "$module" "$work"
$("${APXS:-apxs}" -q CC) -shared -fPIC -o "$work/with_stand_ins" \
    "$work/stand_in.c" -Wl,--no-as-needed,-rpath,"$work" \
    "$work/$(basename "$module")"

# What fills a disk needs one.
prove --failures --comments $(ls "$programs/contract_$kind"* | grep -v _full) :: \
    "$provider" "$location" "$work/with_stand_ins" "$record"
