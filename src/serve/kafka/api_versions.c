/* ApiVersions: what is served. Its answer must be readable before anything is agreed, so a version
 * that is not known gets the body of version 0 with error 35, and the client asks again. */
#include "serve/kafka/face.h"

static void name_apis(struct call *call, struct kafka_api_versions_res *res)
{
    res->api_keys.at = kafka_api_versions_res_api_version_new(&call->arena, kafka_apis_count);
    for (int i = 0; i < kafka_apis_count; i++) {
        if (!kafka_route_find(kafka_apis[i].key))
            continue;
        struct kafka_api_versions_res_api_version *v = &res->api_keys.at[res->api_keys.count++];
        v->api_key = kafka_apis[i].key;
        v->min_version = kafka_apis[i].first;
        v->max_version = kafka_apis[i].last;
    }
}

/* Software name and version: letters, digits, '.' and '-', beginning and ending in one of the former
 * (KIP-511). */
static bool name_is_valid(struct bytes name)
{
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        bool inner = i > 0 && i + 1 < name.len && (c == '.' || c == '-');
        if (!letter && !inner)
            return false;
    }
    return name.len > 0;
}

void kafka_on_api_versions(struct call *call, const void *request)
{
    const struct kafka_api_versions_req *req = request;
    struct kafka_api_versions_res res;

    kafka_api_versions_res_init(&res);
    if (call->version >= 3 && (!name_is_valid(req->client_software_name) ||
                               !name_is_valid(req->client_software_version)))
        res.error_code = KAFKA_ERR_INVALID_REQUEST;
    else
        name_apis(call, &res);
    if (!res.error_code)
        features_name(call, &res);
    call_answer(call, &res);
}

void kafka_refuse_api_versions(struct call *call)
{
    struct kafka_api_versions_res res;

    call->api = kafka_api_find(KAFKA_API_VERSIONS);
    call->version = 0;
    kafka_api_versions_res_init(&res);
    res.error_code = KAFKA_ERR_UNSUPPORTED_VERSION;
    name_apis(call, &res);
    call_answer(call, &res);
}
