#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

# backup.sh: back up a registry while httpd runs, or restore it.
#
#     backup.sh backup     copy the registry to BACKUP; a second run copies only
#                          what has changed
#     backup.sh restore    copy BACKUP to a new registry, and check it; httpd
#                          must not run
#
# Environment:
#
#     BACKUP     the directory of the backup, used for nothing else
#     BLOBS      the blob store, as after OCIBlobStore; a directory
#     INDEX      the index, as after OCIIndex; by default beside the blobs
#     SPARSE     restore: Index or All, as OCISparse; also if clients delete
#                images that an index names
#     OCIADMIN   the program ociadmin
#
# See "Backup" and "Restore" in conf/README.

set -eu

: "${OCIADMIN:=ociadmin}"

# The index comes first: all blobs that it names are stored by then, and garbage
# collection keeps them for OCIGCGrace even if they are deleted meanwhile.
backup() {
    "$OCIADMIN" copy --online --force "$INDEX" "fs $BACKUP"
    "$OCIADMIN" copy --blobs --index "fs $BACKUP" "$BLOBS" "fs $BACKUP"
}

check() {
    "$OCIADMIN" check --sparse "${SPARSE:-None}" --store "$BLOBS" \
        --index "$INDEX" "$@"
}

# The repair deletes what belongs to changes that were not complete when the
# backup was made, so it may find something.
restore() {
    "$OCIADMIN" copy --blobs --index "fs $BACKUP" "fs $BACKUP" "$BLOBS"
    "$OCIADMIN" copy "fs $BACKUP" "$INDEX"
    check --repair || :
    check --digests
}

case ${1-} in
backup | restore)
    : "${BACKUP:?must be the directory of the backup}"
    : "${BLOBS:?must be the blob store, such as 'fs /var/lib/mod_oci'}"
    : "${INDEX:=$BLOBS}"
    "$1"
    ;;
*)
    echo "usage: $0 backup|restore" >&2
    exit 2
    ;;
esac
