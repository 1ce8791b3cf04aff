#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

# clients.sh [NAME...]: build the programs in Go and Rust that the tests use
# (all, or those named), each once per version, as CACHE/NAME-VERSION/NAME.
# clients.sh --path NAME prints the path of one.
#
# CACHE is MOD_OCI_CACHE, or mod_oci in the user's cache directory.  If a
# program cannot be built, the script prints a message and still exits 0; the
# tests that need the program are skipped.

set -u

programs='
conformance v0.0.0-20260831232431-97274622c111 github.com/opencontainers/distribution-spec/conformance
crane       v0.22.1 github.com/google/go-containerregistry/cmd/crane
oras        v1.3.6  oras.land/oras/cmd/oras
regctl      v0.11.7 github.com/regclient/regclient/cmd/regctl
helm        v3.22.0 helm.sh/helm/v3/cmd/helm
ko          v0.19.1 github.com/google/ko
registry    v3.1.2  github.com/distribution/distribution/v3/cmd/registry
buildctl    v0.34.2 github.com/moby/buildkit/cmd/buildctl
buildkitd   v0.34.2 github.com/moby/buildkit/cmd/buildkitd
cosign      v2.6.5  github.com/sigstore/cosign/v2/cmd/cosign
versitygw   v1.8.0  github.com/versity/versitygw/cmd/versitygw
s3s-fs      0.14.1  crate:s3s-fs
'
cache=${MOD_OCI_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/mod_oci}

# Use only the module proxy: with ",direct" some look-ups would go to the source
# hosts and fail.
environment() {
    CGO_ENABLED=0
    GOFLAGS=-buildvcs=false
    GOPROXY=$(go env GOPROXY | sed 's/,direct$//; s/|direct$//')
    export CGO_ENABLED GOFLAGS GOPROXY
}

# build NAME VERSION PACKAGE DIRECTORY: "go install" refuses a module with
# replace lines, such as buildkit, so the second attempt builds the program from
# an empty module that requires it.
build() {
    work=$(mktemp -d "$4.XXXXXX") || return 1
    (
        cd "$work" && environment
        if GOBIN=$work go install "$3@$2" >log 2>&1; then
            exit 0
        fi
        go mod init local && go get "$3@$2" && go build -o "$work/$1" "$3"
    ) >"$work/log2" 2>&1 &&
        mkdir -p "$4" && mv "$work/$1" "$4/$1"
    status=$?
    test $status = 0 || tail -n 3 "$work/log2" >&2
    rm -rf "$work"
    return $status
}

# The same for a crate of the same name, whose program needs a feature.
build_crate() {
    work=$(mktemp -d "$4.XXXXXX") || return 1
    CARGO_TARGET_DIR=$work/target cargo install "${3#crate:}" --version "$2" \
        --locked --features binary --jobs 2 --root "$work" >"$work/log" 2>&1 &&
        mkdir -p "$4" && mv "$work/bin/$1" "$4/$1"
    status=$?
    test $status = 0 || tail -n 3 "$work/log" >&2
    rm -rf "$work"
    return $status
}

# Whether PACKAGE can be built here; prints the reason if it cannot.
can_build() {
    case $1 in
    crate:*)
        cargo --version 2>/dev/null | grep -Eq ' 1\.(9[2-9]|[1-9][0-9]{2})' ||
            echo "it needs cargo 1.92 or later (https://rustup.rs/)." ;;
    *)
        go version 2>/dev/null | grep -Eq 'go1\.(2[1-9]|[3-9][0-9])' ||
            echo "it needs Go 1.21 or later, which downloads newer toolchains" \
                 "itself (https://go.dev/dl/; Debian 12's golang is too old)." ;;
    esac
}

if test "${1:-}" = --path; then
    echo "$programs" | while read -r name version package; do
        test "$name" != "$2" || echo "$cache/$name-$version/$name"
    done
    exit 0
fi

mkdir -p "$cache" || exit 0
exec 9>"$cache/lock"
flock 9
echo "$programs" | while read -r name version package; do
    test -n "$name" || continue
    test $# = 0 || case " $* " in *" $name "*) ;; *) continue ;; esac
    dir=$cache/$name-$version
    test -x "$dir/$name" && continue
    reason=$(can_build "$package")
    if test -n "$reason"; then
        echo "Skipping $name: $reason" >&2
        continue
    fi
    case $package in
    crate:*) make=build_crate ;;
    *)       make=build ;;
    esac
    echo "Building $name $version into $dir"
    $make "$name" "$version" "$package" "$dir" </dev/null ||
        echo "Skipping $name: its build failed, see the messages above." >&2
done
exit 0
