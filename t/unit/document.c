/* SPDX-License-Identifier: Apache-2.0 */

/* Parsing manifests: which are accepted, and their children. */

#include "start_pool.h"
#include "tap.h"

#include "apr_strings.h"

#include "values/document.h"

#define OCI_IMAGE      "application/vnd.oci.image.manifest.v1+json"
#define OCI_INDEX      "application/vnd.oci.image.index.v1+json"
#define DOCKER_TYPE    "application/vnd.docker.distribution.manifest."
#define DOCKER_LIST    DOCKER_TYPE "list.v2+json"
#define DOCKER_IMAGE   DOCKER_TYPE "v2+json"
#define DOCKER_SCHEMA1 DOCKER_TYPE "v1"

/* The digests of "" and "{}". */
#define EMPTY_SHA256 \
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define BRACES_SHA256 \
    "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
#define BRACES_SHA512                                                         \
    "sha512:27c74670adb75075fad058d5ceaf7b20c4e7786c83bae8a32f626f9782af34c9" \
    "a33c2046ef60fd2a7878d378e29fec851806bbd9a67878f3a9f1cda4830763fd"

/* In the cases below, ' stands for ". */
#define V2           "{'schemaVersion':2"
#define DESCRIPTOR   "'digest':'" BRACES_SHA256 "','size':2"
#define LAYER        "{'mediaType':'a/layer'," DESCRIPTOR
#define CONFIG       ",'config':{'mediaType':'a/config'," DESCRIPTOR "}"
#define IMAGE        V2 CONFIG ",'layers':["
#define TYPED(type)  ",'mediaType':'" type "'"
#define ONE(members) IMAGE LAYER members "}]}"

/* Accepted manifests: the media type that is served, the kinds and media types
 * of the children, and the artifact type.
 */
static const struct {
    const char *content_type;
    const char *text;
    const char *media_type;
    const char *children;
    const char *artifact_type;
} good[] = {
    { OCI_IMAGE, IMAGE "]}", OCI_IMAGE, "blob a/config;", "a/config" },
    { OCI_IMAGE "; charset=utf-8", IMAGE "]}", OCI_IMAGE, "blob a/config;",
      "a/config" },
    { " " OCI_IMAGE " ;x", IMAGE "]}", OCI_IMAGE, "blob a/config;",
      "a/config" },
    { NULL, IMAGE "]" TYPED(OCI_IMAGE) "}", OCI_IMAGE, "blob a/config;",
      "a/config" },
    { "APPLICATION/vnd.oci.image.manifest.v1+JSON",
      IMAGE "]" TYPED(OCI_IMAGE) "}", OCI_IMAGE, "blob a/config;", "a/config" },
    { DOCKER_IMAGE, IMAGE LAYER "}]" TYPED(DOCKER_IMAGE) "}", DOCKER_IMAGE,
      "blob a/config;blob a/layer;", "a/config" },
    { OCI_IMAGE, IMAGE LAYER "}," LAYER "}," LAYER "}]}", OCI_IMAGE,
      "blob a/config;blob a/layer;blob a/layer;blob a/layer;", "a/config" },
    { OCI_IMAGE, IMAGE "],'artifactType':'a/own'}", OCI_IMAGE, "blob a/config;",
      "a/own" },
    { OCI_IMAGE, IMAGE "],'artifactType':''}", OCI_IMAGE, "blob a/config;",
      "a/config" },
    { OCI_IMAGE, IMAGE "],'artifactType':'no media type \xc3\xa4'}", OCI_IMAGE,
      "blob a/config;", "no media type \xc3\xa4" },
    { OCI_INDEX, V2 ",'manifests':[]}", OCI_INDEX, "", NULL },
    { OCI_INDEX, V2 ",'manifests':[" LAYER ",'platform':{'os':'x'}}]}",
      OCI_INDEX, "manifest a/layer;", NULL },
    { OCI_INDEX, V2 ",'manifests':[],'artifactType':'a/own'}", OCI_INDEX, "",
      "a/own" },
    { DOCKER_LIST,
      V2 ",'manifests':[{'mediaType':'" DOCKER_IMAGE "'," DESCRIPTOR "}]}",
      DOCKER_LIST, "manifest " DOCKER_IMAGE ";", NULL },
    { "a/unknown", IMAGE "]}", "a/unknown", "blob a/config;", "a/config" },
    { "a/unknown", V2 ",'manifests':[" LAYER "}]}", "a/unknown",
      "manifest a/layer;", NULL },
    { OCI_IMAGE,
      ONE(",'data':'e30=','urls':['http://x/','y'],"
          "'annotations':{'k':'v'},'artifactType':'a/b',"
          "'unknown':{'x':[null]}"),
      OCI_IMAGE, "blob a/config;blob a/layer;", "a/config" },
    { OCI_IMAGE, ONE(",'data':null,'urls':null,'annotations':null"), OCI_IMAGE,
      "blob a/config;blob a/layer;", "a/config" },
    { OCI_IMAGE,
      IMAGE "],'annotations':null,'artifactType':null,'subject':null}",
      OCI_IMAGE, "blob a/config;", "a/config" },
    { OCI_IMAGE, ONE(",'urls':[],'annotations':{}"), OCI_IMAGE,
      "blob a/config;blob a/layer;", "a/config" },
    { OCI_IMAGE,
      IMAGE "{'mediaType':'a/b','digest':'" BRACES_SHA512
            "','size':2,'data':'e30='}]}",
      OCI_IMAGE, "blob a/config;blob a/b;", "a/config" },
    { OCI_IMAGE,
      IMAGE "{'mediaType':'a/b','digest':'" EMPTY_SHA256
            "','size':0,'data':''}]}",
      OCI_IMAGE, "blob a/config;blob a/b;", "a/config" },
    { OCI_IMAGE,
      IMAGE "{'mediaType':'a/b','digest':'" BRACES_SHA256
            "','size':9223372036854775807}]}",
      OCI_IMAGE, "blob a/config;blob a/b;", "a/config" },
    { OCI_IMAGE,
      IMAGE
      "{'mediaType':'application/vnd.oci.image.layer.nondistributable.v1.tar"
      "'," DESCRIPTOR "},"
      "{'mediaType':'application/vnd.oci.image.layer.nondistributable.v1.tar"
      "+gzip'," DESCRIPTOR "},"
      "{'mediaType':'application/vnd.oci.image.layer.nondistributable.v1.tar"
      "+zstd'," DESCRIPTOR "},"
      "{'mediaType':'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
      "'," DESCRIPTOR "},"
      "{'mediaType':'application/vnd.docker.image.rootfs.diff.tar.gzip"
      "'," DESCRIPTOR "}]}",
      OCI_IMAGE,
      "blob a/config;"
      "optional application/vnd.oci.image.layer.nondistributable.v1.tar;"
      "optional application/vnd.oci.image.layer.nondistributable.v1.tar+gzip;"
      "optional application/vnd.oci.image.layer.nondistributable.v1.tar+zstd;"
      "optional application/vnd.docker.image.rootfs.foreign.diff.tar.gzip;"
      "blob application/vnd.docker.image.rootfs.diff.tar.gzip;",
      "a/config" },
    { OCI_IMAGE, "\n\t " IMAGE "]}\r\n", OCI_IMAGE, "blob a/config;",
      "a/config" },
    { OCI_IMAGE, IMAGE "],'blobs':null,'signatures':[1.5,true]}", OCI_IMAGE,
      "blob a/config;", "a/config" },

    /* Valid JSON that is not used. */
    { OCI_IMAGE,
      IMAGE
      "],'x':['\\u0000','\\ud800','\\udc00\\ud800'],"
      "'\\u0000':1,'\\ud800':18446744073709551615,'y':1e400,'z':-0.0e-999,"
      "'99':99999999999999999999999}",
      OCI_IMAGE, "blob a/config;", "a/config" },
    { OCI_IMAGE,
      ONE(",'x\\u0000':'\\ud800','annotations':{'\\ud800':"
          "'\\u0000'},'urls':['\\u0000']"),
      OCI_IMAGE, "blob a/config;blob a/layer;", "a/config" },
    { OCI_IMAGE, IMAGE "],'x':'\\u0041','\\u0058':1,'x\\u0000':2}", OCI_IMAGE,
      "blob a/config;", "a/config" },

    /* Names and values with escapes. */
    { NULL,
      "{'schema\\u0056ersion':2,'media\\u0054ype':'a\\/b'" CONFIG
      ",'\\u006cayers':[]}",
      "a/b", "blob a/config;", "a/config" },
    { OCI_IMAGE, ONE(",'data':'\\u00653\\u0030='"), OCI_IMAGE,
      "blob a/config;blob a/layer;", "a/config" },

    /* null counts as absence. */
    { OCI_IMAGE, IMAGE "],'mediaType':null,'manifests':null}", OCI_IMAGE,
      "blob a/config;", "a/config" },
    { OCI_INDEX,
      V2 ",'manifests':[],'config':null,'layers':null,'mediaType':null}",
      OCI_INDEX, "", NULL },
    { "a/unknown", IMAGE "],'manifests':null}", "a/unknown", "blob a/config;",
      "a/config" },
    { "a/unknown", V2 ",'manifests':[],'config':null}", "a/unknown", "", NULL },
};

/* Refused manifests, and words of the message. */
static const struct {
    const char *content_type;
    const char *text;
    const char *words;
} bad[] = {
    { OCI_IMAGE, "", "not valid JSON: line 1: " },
    { OCI_IMAGE, "{", "not valid JSON: line 1: " },
    { OCI_IMAGE, "[]", "JSON object" },
    { OCI_IMAGE, "null", "a manifest is a JSON object" },
    { OCI_IMAGE, "'x'", "a manifest is a JSON object" },
    { OCI_IMAGE, IMAGE "]} x", "not valid JSON: line 1: " },
    { OCI_IMAGE, IMAGE "]}{}", "not valid JSON: line 1: " },
    { OCI_IMAGE, IMAGE "],}", "not valid JSON: line 1: " },
    { OCI_IMAGE, "\xef\xbb\xbf" IMAGE "]}", "not valid JSON: line 1: " },
    { OCI_IMAGE, IMAGE "],'x':'\xff'}", "not valid JSON: line 1: " },
    { OCI_IMAGE, IMAGE "],'x':'\xc3'}", "not valid JSON: line 1: " },
    { OCI_IMAGE, IMAGE "],'x':'\xed\xa0\x80'}", "not valid JSON: line 1: " },
    { OCI_IMAGE, IMAGE "],'x':1,'x':1}", "duplicate" },
    { OCI_IMAGE, IMAGE "],'x':{'y':1,'\\u0079':1}}", "duplicate" },
    { OCI_IMAGE, V2 ",'schemaVersion':2" CONFIG ",'layers':[]}", "duplicate" },

    { NULL, IMAGE "]}", "the media type is missing" },
    { "", IMAGE "]}", "Content-Type is not" },
    { "json", IMAGE "]}", "Content-Type is not" },
    { "a/b, c/d", IMAGE "]}", "Content-Type is not" },
    { "a/b c/d", IMAGE "]}", "Content-Type is not" },
    { "a/b/c", IMAGE "]}", "Content-Type is not" },
    { "a/b\r\nX: y", IMAGE "]}", "Content-Type is not" },
    { OCI_IMAGE, IMAGE "]" TYPED(DOCKER_IMAGE) "}", "but the Content-Type" },
    { OCI_IMAGE, IMAGE "]" TYPED(OCI_INDEX) "}", "but the Content-Type" },
    { "application/json", IMAGE "]" TYPED(OCI_IMAGE) "}",
      "mediaType is " OCI_IMAGE ", but the Content-Type is application/json" },
    { "application/octet-stream", IMAGE "]" TYPED(OCI_IMAGE) "}",
      "but the Content-Type" },
    { OCI_IMAGE, IMAGE "],'mediaType':1}", "mediaType is not" },
    { NULL, IMAGE "],'mediaType':''}", "mediaType is not" },
    { NULL, IMAGE "],'mediaType':'a/b; c=d'}", "mediaType is not" },
    { NULL, IMAGE "],'mediaType':'a/b\\r\\nX: y'}", "mediaType is not" },

    { OCI_IMAGE, "{}", "schemaVersion is not 2" },
    { OCI_IMAGE, "{'schemaVersion':'2'" CONFIG ",'layers':[]}",
      "schemaVersion is not 2" },
    { OCI_IMAGE, "{'schemaVersion':2.0" CONFIG ",'layers':[]}",
      "schemaVersion is not 2" },
    { OCI_IMAGE, "{'schemaVersion':3" CONFIG ",'layers':[]}",
      "schemaVersion is not 2" },
    { "a/unknown", "{'config':{},'layers':[]}", "schemaVersion is not 2" },
    { "a/unknown", "{'schemaVersion':1,'fsLayers':[]}", "schema 1" },
    { DOCKER_SCHEMA1 "+json", V2 "}", "schema 1" },
    { DOCKER_SCHEMA1 "+prettyjws; x", "{'schemaVersion':1}", "schema 1" },
    { NULL, IMAGE "]" TYPED(DOCKER_SCHEMA1 "+json") "}", "schema 1" },

    { OCI_IMAGE, "\n" IMAGE "],\n\n'x':01}", "not valid JSON: line 4: " },
    { OCI_IMAGE, IMAGE "],'x':{'a':[{'b':1,\n'b':2}]}}",
      "line 2: a duplicate member, \"b\"" },
    { OCI_IMAGE, ONE(",'size':2"), "a duplicate member, \"size\"" },
    { OCI_IMAGE, ONE(",'annotations':{'k':'v','\\u006b':'w'}"), "duplicate" },
    { OCI_IMAGE, IMAGE "],'x':{'\\u0000':1,'\\u0000':2}}", "duplicate" },
    { OCI_IMAGE, IMAGE "],'x':{'\\ud83d\\ude00':1,'\xf0\x9f\x98\x80':2}}",
      "duplicate" },

    /* Strings that are used must be valid text. */
    { NULL, IMAGE "],'mediaType':'a/b\\u0000'}", "mediaType is not" },
    { OCI_IMAGE, IMAGE "{'mediaType':'a/b\\u0000'," DESCRIPTOR "}]}",
      "layers[0].mediaType is not" },
    { OCI_IMAGE,
      IMAGE "{'mediaType':'a/b','digest':'" BRACES_SHA256
            "\\u0000','size':2}]}",
      "layers[0].digest is not" },
    { OCI_IMAGE, IMAGE "],'artifactType':'a\\u0000'}", "artifactType must be" },
    { OCI_IMAGE, IMAGE "],'artifactType':'a\\ud800'}", "artifactType must be" },
    { OCI_IMAGE, ONE(",'data':'e30=\\u0000'"), "layers[0].data is not" },
    { OCI_IMAGE,
      IMAGE "{'mediaType':'a/b','digest':'" BRACES_SHA256
            "','size':9223372036854775808}]}",
      "layers[0].size is not" },

    { "a/unknown", V2 "}", "must have either config and layers or manifests" },
    { "a/unknown", V2 ",'manifests':null}",
      "must have either config and layers or" },
    { OCI_IMAGE, V2 "}", "config is not an object" },
    { OCI_IMAGE, V2 ",'layers':[]}", "config is not an object" },
    { OCI_IMAGE, V2 ",'config':null,'layers':[]}", "config is not an obj" },
    { OCI_IMAGE, V2 CONFIG "}", "layers is not an array" },
    { OCI_IMAGE, V2 CONFIG ",'layers':null}", "layers is not an array" },
    { OCI_IMAGE, V2 CONFIG ",'layers':{}}", "layers is not an array" },
    { DOCKER_IMAGE, V2 ",'manifests':[]}", "config is not an object" },
    { OCI_INDEX, V2 "}", "manifests is not an array" },
    { OCI_INDEX, V2 ",'manifests':null}", "manifests is not an array" },
    { OCI_INDEX, IMAGE "]}", "manifests is not an array" },
    { "a/unknown", V2 CONFIG "}", "layers is not an array" },
    { "a/unknown", V2 ",'layers':[]}", "config is not an object" },
    { OCI_IMAGE, IMAGE "],'manifests':[]}", "not both" },
    { OCI_INDEX, V2 ",'manifests':[],'layers':[]}", "not both" },
    { "a/unknown", V2 ",'manifests':[],'layers':[]}", "not both" },

    { OCI_IMAGE, IMAGE "1]}", "layers[0] is not an object" },
    { OCI_IMAGE, IMAGE "null]}", "layers[0] is not an object" },
    { OCI_IMAGE, IMAGE LAYER "}," LAYER "},{}]}", "layers[2].mediaType is" },
    { OCI_IMAGE, IMAGE "{" DESCRIPTOR "}]}", "layers[0].mediaType is not" },
    { OCI_IMAGE, IMAGE "{'mediaType':'x'," DESCRIPTOR "}]}",
      "layers[0].mediaType is not" },
    { OCI_IMAGE, IMAGE "{'mediaType':'/'," DESCRIPTOR "}]}",
      "layers[0].mediaType is not" },
    { OCI_IMAGE, IMAGE "{'mediaType':'a/'," DESCRIPTOR "}]}",
      "layers[0].mediaType is not" },
    { OCI_IMAGE, IMAGE "{'mediaType':'.a/b'," DESCRIPTOR "}]}",
      "layers[0].mediaType is not" },
    { OCI_IMAGE, IMAGE "{'mediaType':'a/*'," DESCRIPTOR "}]}",
      "layers[0].mediaType is not" },
    { OCI_IMAGE, IMAGE "{'mediaType':'a/\xc3\xa4'," DESCRIPTOR "}]}",
      "layers[0].mediaType is not" },
    { OCI_IMAGE, IMAGE "{'mediaType':'a/b','digest':'blake3:00','size':2}]}",
      "layers[0].digest is not a valid sha256 or sha512 digest" },
    { OCI_IMAGE, IMAGE "{'mediaType':'a/b','size':2}]}",
      "layers[0].digest is not" },
    { OCI_IMAGE, IMAGE "{'mediaType':'a/b','digest':1,'size':2}]}",
      "layers[0].digest is not" },
    { OCI_IMAGE, IMAGE "{'mediaType':'a/b','digest':'" EMPTY_SHA256 "'}]}",
      "layers[0].size is not" },
    { OCI_IMAGE,
      IMAGE "{'mediaType':'a/b','digest':'" EMPTY_SHA256 "','size':-1}]}",
      "layers[0].size is not" },
    { OCI_IMAGE,
      IMAGE "{'mediaType':'a/b','digest':'" EMPTY_SHA256 "','size':'0'}]}",
      "layers[0].size is not" },
    { OCI_IMAGE,
      IMAGE "{'mediaType':'a/b','digest':'" EMPTY_SHA256 "','size':0.0}]}",
      "layers[0].size is not" },
    { OCI_IMAGE, ONE(",'urls':'x'"), "layers[0].urls is not" },
    { OCI_IMAGE, ONE(",'urls':['x',1]"), "layers[0].urls is not" },
    { OCI_IMAGE, ONE(",'urls':{'x':'y'}"), "layers[0].urls is not" },
    { OCI_IMAGE, ONE(",'annotations':{'x':1}"), "layers[0].annotations is" },
    { OCI_IMAGE, ONE(",'annotations':['x']"), "layers[0].annotations is" },
    { OCI_IMAGE, ONE(",'data':''"), "layers[0].data is not" },
    { OCI_IMAGE, ONE(",'data':'e30'"), "layers[0].data is not" },
    { OCI_IMAGE, ONE(",'data':'e3=='"), "layers[0].data is not" },
    { OCI_IMAGE, ONE(",'data':'e34='"), "layers[0].data is not" },
    { OCI_IMAGE, ONE(",'data':'e30 '"), "layers[0].data is not" },
    { OCI_IMAGE, ONE(",'data':'e30=\\n'"), "layers[0].data is not" },
    { OCI_IMAGE, ONE(",'data':'=30='"), "layers[0].data is not" },
    { OCI_IMAGE, ONE(",'data':'===='"), "layers[0].data is not" },
    { OCI_IMAGE, ONE(",'data':'e30=e30='"), "layers[0].data is not" },
    { OCI_IMAGE, ONE(",'data':'W10='"), "layers[0].data is not" },
    { OCI_IMAGE,
      IMAGE "{'mediaType':'a/b','digest':'" BRACES_SHA256
            "','size':3,'data':'e30='}]}",
      "layers[0].data is not" },
    { OCI_IMAGE, V2 ",'config':{'mediaType':'a/b'},'layers':[]}",
      "config.digest is not" },
    { OCI_INDEX, V2 ",'manifests':[{}]}", "manifests[0].mediaType is" },

    { OCI_IMAGE, IMAGE "],'annotations':{'a':null}}", "annotations is not" },
    { OCI_IMAGE, IMAGE "],'artifactType':1}", "artifactType must be" },
    { OCI_IMAGE, IMAGE "],'artifactType':'a\\nb'}", "artifactType must be" },
    { OCI_IMAGE, IMAGE "],'artifactType':'a\\u007f'}", "artifactType must be" },
    { OCI_IMAGE, IMAGE "],'subject':{}}", "subject.mediaType is not" },
    { OCI_INDEX, V2 ",'manifests':[],'subject':{'mediaType':'a/b'}}",
      "subject.digest is not" },
};

static const char *json_of(const char *text, apr_pool_t *pool)
{
    char *json = apr_pstrdup(pool, text);
    char *p;

    for (p = json; *p; p++) {
        if (*p == '\'') {
            *p = '"';
        }
    }
    return json;
}

static const char *parse(oci_document_t **document, const char *content_type,
                         const char *text, apr_pool_t *pool)
{
    const char *json = json_of(text, pool);

    return oci_document_parse(document, content_type, json, strlen(json), pool);
}

static const char *children_of(const oci_document_t *document, apr_pool_t *pool)
{
    static const char *const kinds[] = { "blob ", "optional ", "manifest " };
    const char *text = "";
    int i;

    for (i = 0; i < document->children->nelts; i++) {
        const oci_child_t *child = &APR_ARRAY_IDX(document->children, i,
                                                  oci_child_t);

        text = apr_pstrcat(pool, text, kinds[child->kind],
                           child->descriptor.media_type, ";", NULL);
    }
    return text;
}

static void table_tests(tap_t *tap, apr_pool_t *pool)
{
    oci_document_t *document;
    const char *problem;
    size_t i;

    for (i = 0; i < sizeof(good) / sizeof(*good); i++) {
        problem = parse(&document, good[i].content_type, good[i].text, pool);
        if (tap_is(tap, problem, NULL,
                   apr_psprintf(pool, "good %d is accepted", (int)i))) {
            tap_is(tap, document->media_type, good[i].media_type,
                   "its media type");
            tap_is(tap, children_of(document, pool), good[i].children,
                   "its children");
            tap_is(tap, document->artifact_type, good[i].artifact_type,
                   "its artifact type");
        }
    }
    for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        problem = parse(&document, bad[i].content_type, bad[i].text, pool);
        tap_ok(tap, problem && strstr(problem, bad[i].words),
               "bad %d is refused: %s", (int)i,
               problem ? problem : "(it is accepted)");
    }
}

static void descriptor_tests(tap_t *tap, apr_pool_t *pool)
{
    const oci_child_t *child;
    oci_document_t *document;

    if (!tap_is(
            tap,
            parse(&document, OCI_IMAGE,
                  IMAGE
                  "{'mediaType':'a/layer','digest':'" BRACES_SHA512 "','size':"
                  "5000000000}], 'artifactType': 'a/\\'q\\'',"
                  "'annotations': { 'z': '1', 'a': '\\u00e4' },"
                  "'subject': {'mediaType':'a/subject','digest':'" EMPTY_SHA256
                  "', 'size':0}}",
                  pool),
            NULL, "a referrer is accepted")) {
        return;
    }
    child = &APR_ARRAY_IDX(document->children, 1, oci_child_t);
    tap_is(tap, child->descriptor.digest, BRACES_SHA512, "a layer's digest");
    tap_ok(tap, child->descriptor.size == APR_INT64_C(5000000000),
           "a layer's size");
    tap_is(tap, document->subject->media_type, "a/subject",
           "the subject's media type");
    tap_is(tap, document->subject->digest, EMPTY_SHA256,
           "the subject's digest");
    tap_ok(tap, document->subject->size == 0, "the subject's size");
    tap_is(tap, document->annotations, "{\"z\":\"1\",\"a\":\"\xc3\xa4\"}",
           "the annotations");
    tap_is(tap, oci_document_descriptor(document, EMPTY_SHA256, 123, pool),
           "{\"mediaType\":\"" OCI_IMAGE "\",\"digest\":\"" EMPTY_SHA256 "\""
           ",\"size\":123,\"artifactType\":\"a/\\\"q\\\"\""
           ",\"annotations\":{\"z\":\"1\",\"a\":\"\xc3\xa4\"}}",
           "its descriptor");

    tap_is(tap,
           parse(&document, OCI_IMAGE,
                 IMAGE "],'annotations': { 'a' :"
                       " '\\u0000 \\/\\b\\t\\u000a\\u001f\\u007f\\ud83d\\ude00"
                       "\\udfff\\ud800\\u0022\\u005c' } }",
                 pool),
           NULL, "escapes are accepted");
    tap_is(tap, document->annotations,
           "{\"a\":\"\\u0000 /\\b\\t\\n\\u001F\x7f\xf0\x9f\x98\x80"
           "\\uDFFF\\uD800\\\"\\\\\"}",
           "only necessary escapes are kept");

    parse(&document, OCI_INDEX, V2 ",'manifests':[]}", pool);
    tap_ok(tap, !document->subject && !document->annotations,
           "an index without optional members");
    tap_is(tap, oci_document_descriptor(document, EMPTY_SHA256, 0, pool),
           "{\"mediaType\":\"" OCI_INDEX "\",\"digest\":\"" EMPTY_SHA256 "\""
           ",\"size\":0}",
           "its descriptor");
}

/* Parse a document that consists of count times the byte x. */
static const char *repeated(oci_document_t **document, char x, int count,
                            apr_pool_t *pool)
{
    char *text = memset(apr_palloc(pool, count), x, count);

    return oci_document_parse(document, OCI_IMAGE, text, count, pool);
}

static void size_tests(tap_t *tap, apr_pool_t *pool)
{
    const char *json = json_of(IMAGE "]}", pool);
    oci_document_t *document;
    const char *type = memset(apr_pcalloc(pool, 128), 'a', 127);

    tap_ok(tap, repeated(&document, '[', 100000, pool) != NULL,
           "100000 nested arrays are refused");
    tap_ok(tap, repeated(&document, '\0', 10, pool) != NULL,
           "NULs are refused");
    tap_is(tap,
           oci_document_parse(&document, OCI_IMAGE, json, strlen(json), pool),
           NULL, "a document is accepted");
    tap_ok(tap,
           oci_document_parse(&document, OCI_IMAGE, json, strlen(json) + 1,
                              pool)
               != NULL,
           "it is refused with a NUL at its end");
    tap_ok(tap,
           oci_document_parse(&document, OCI_IMAGE, json, strlen(json) - 1,
                              pool)
               != NULL,
           "it is refused without its last byte");
    tap_is(tap,
           parse(&document, NULL,
                 apr_pstrcat(pool, IMAGE "],'mediaType':'", type, "/", type,
                             "'}", NULL),
                 pool),
           NULL, "a media type of 127 and 127 bytes is accepted");
    tap_ok(tap,
           parse(&document, NULL,
                 apr_pstrcat(pool, IMAGE "],'mediaType':'", type, "a/b'}",
                             NULL),
                 pool)
               != NULL,
           "a type of 128 bytes is refused");
    tap_ok(tap,
           parse(&document, NULL,
                 apr_pstrcat(pool, IMAGE "],'mediaType':'b/", type, "a'}",
                             NULL),
                 pool)
               != NULL,
           "a subtype of 128 bytes is refused");
}

int main(void)
{
    tap_t tap = { 0, 0 };
    apr_pool_t *pool = start_pool();

    table_tests(&tap, pool);
    descriptor_tests(&tap, pool);
    size_tests(&tap, pool);
    return tap_done(&tap);
}
