/* SPDX-License-Identifier: Apache-2.0 */

/* What an artifact is, for people. */

#include "values/artifact_kind.h"

#include <string.h>

#define BUNDLE "application/vnd.dev.sigstore.bundle"

/* How media types begin.  The first match counts. */
static const struct {
    const char *prefix;
    const char *kind;
} types[] = {
    { "application/vnd.dev.cosign.simplesigning.", "signature" },
    { "application/vnd.dev.cosign.artifact.sig.", "signature" },
    { "application/vnd.cncf.notary.signature", "signature" },
    { "application/vnd.dev.cosign.artifact.sbom.", "sbom" },
    { "application/spdx", "sbom" },
    { "text/spdx", "sbom" },
    { "application/vnd.cyclonedx", "sbom" },
    { "application/vnd.syft", "sbom" },
    { "application/vnd.dev.cosign.artifact.att", "attestation" },
    { "application/vnd.dsse.envelope.", "attestation" },
    { "application/vnd.in-toto", "attestation" },
    { "application/vnd.cncf.helm.config.", "helm" },
    { "application/vnd.cncf.helm.chart.", "helm" },
};

static const char *kind_of(const char *type)
{
    unsigned i;

    for (i = 0; type && i < sizeof(types) / sizeof(types[0]); i++) {
        if (!strncmp(type, types[i].prefix, strlen(types[i].prefix))) {
            return types[i].kind;
        }
    }
    return NULL;
}

static int is_image_config(const char *type)
{
    return type
        && (!strcmp(type, "application/vnd.oci.image.config.v1+json")
            || !strcmp(type, "application/vnd.docker.container.image.v1+json"));
}

/* A bundle holds a signature, or a statement that is signed. */
static const char *kind_of_bundle(const char *predicate)
{
    if (!predicate || strstr(predicate, "sigstore.dev/cosign/sign/")) {
        return "signature";
    }
    return strstr(predicate, "spdx.dev/") || strstr(predicate, "cyclonedx.org/")
        ? "sbom"
        : "attestation";
}

/* Signatures and attestations may have the config of an image, so the layer is
 * looked at, too. */
const char *oci_artifact_kind(const char *artifact_type, const char *layer_type,
                              const char *predicate)
{
    const char *kind = kind_of(artifact_type);

    kind = kind ? kind : kind_of(layer_type);
    if (kind) {
        return kind;
    }
    if (artifact_type && !strncmp(artifact_type, BUNDLE, sizeof(BUNDLE) - 1)) {
        return kind_of_bundle(predicate);
    }
    return is_image_config(artifact_type) ? "image" : "artifact";
}
