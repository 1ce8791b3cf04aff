/* SPDX-License-Identifier: Apache-2.0 */

/**
 * @file artifact_kind.h
 * @brief What an artifact is, for people
 */

#ifndef OCI_ARTIFACT_KIND_H
#define OCI_ARTIFACT_KIND_H

/** The annotation of a Sigstore bundle that says what it attests. */
#define OCI_PREDICATE_ANNOTATION "dev.sigstore.bundle.predicateType"

/**
 * Return what an artifact is: "image", "helm", "signature", "sbom",
 * "attestation" or "artifact".
 * @param artifact_type Its artifact type, or the media type of its config; may
 *        be NULL
 * @param layer_type The media type of its first layer; NULL if it is not known
 * @param predicate The value of OCI_PREDICATE_ANNOTATION, or NULL
 */
const char *oci_artifact_kind(const char *artifact_type, const char *layer_type,
                              const char *predicate);

#endif /* OCI_ARTIFACT_KIND_H */
