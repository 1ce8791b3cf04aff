#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

# contract.sh index|blob MODULE.so RECORD PROVIDER[:TYPE] LOCATION: run the
# contract tests on a provider in any module.  "make -f Makefile.apxs contract"
# builds the test programs and calls it.  OCI_CONTRACT_SKIP, a pattern, leaves out
# the programs that match.
#
# The tests run without httpd.  The functions of httpd that the module uses for
# its hooks, directives or logs are replaced by stubs that do nothing: the tests
# load a library that defines these stubs and depends on the module.

set -eu

test $# = 5 || { sed -n '4,5s/^# //p' "$0" >&2; exit 2; }
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

# The _full programs need a small disk to fill, so they are not run here.  Each
# program needs a new store: a path is relative to a directory of its own, and a
# URL gets its name.
status=0
for program in $(ls "$programs/contract_$kind"* |
    grep -v -e _full ${OCI_CONTRACT_SKIP:+-e "$OCI_CONTRACT_SKIP"}); do
    case $location in
    *://*) where=$location/$(basename "$program") ;;
    *)     where=$location ;;
    esac
    prove --failures --comments "$program" :: \
        "$provider" "$where" "$work/with_stand_ins" "$record" || status=1
done
exit $status
