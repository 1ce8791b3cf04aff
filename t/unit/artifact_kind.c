/* SPDX-License-Identifier: Apache-2.0 */

/* What an artifact is. */

#include "start_pool.h"
#include "tap.h"

#include "values/artifact_kind.h"

#define CONFIG "application/vnd.oci.image.config.v1+json"
#define BUNDLE "application/vnd.dev.sigstore.bundle.v0.3+json"

static const struct {
    const char *type;
    const char *layer;
    const char *predicate;
    const char *kind;
} cases[] = {
    { NULL, NULL, NULL, "artifact" },
    { "", NULL, NULL, "artifact" },
    { "application/vnd.example", NULL, NULL, "artifact" },
    { CONFIG, NULL, NULL, "image" },
    { CONFIG, "application/vnd.oci.image.layer.v1.tar", NULL, "image" },
    { "application/vnd.docker.container.image.v1+json", NULL, NULL, "image" },
    { "application/vnd.cncf.helm.config.v1+json", NULL, NULL, "helm" },
    { "application/vnd.cncf.notary.signature", NULL, NULL, "signature" },
    { CONFIG, "application/vnd.dev.cosign.simplesigning.v1+json", NULL,
      "signature" },
    { CONFIG, "application/vnd.in-toto+json", NULL, "attestation" },
    { CONFIG, "application/vnd.dsse.envelope.v1+json", NULL, "attestation" },
    { "application/spdx+json", NULL, NULL, "sbom" },
    { "application/vnd.cyclonedx+json", NULL, NULL, "sbom" },
    { BUNDLE, NULL, NULL, "signature" },
    { BUNDLE, NULL, "https://sigstore.dev/cosign/sign/v1", "signature" },
    { BUNDLE, NULL, "https://spdx.dev/Document", "sbom" },
    { BUNDLE, NULL, "https://cyclonedx.org/bom", "sbom" },
    { BUNDLE, NULL, "https://slsa.dev/provenance/v1", "attestation" },
};

int main(void)
{
    tap_t tap = { 0, 0 };
    unsigned i;

    start_pool();
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tap_is(&tap,
               oci_artifact_kind(cases[i].type, cases[i].layer,
                                 cases[i].predicate),
               cases[i].kind, cases[i].type ? cases[i].type : "no type");
    }
    return tap_done(&tap);
}
