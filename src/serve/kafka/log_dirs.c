/* DescribeLogDirs: the data directory, and what each partition keeps in it. */
#include "serve/kafka/face.h"

enum { REPLICAS_MOST = 1000000 }; /* of one answer: the rest of a longer list repeats itself */

static void describe_partition(struct log_topic *topic, int32_t index,
                               struct kafka_describe_log_dirs_res_topic *out)
{
    struct log_partition *partition = face_partition(topic, index);
    struct log_offsets o;

    if (!partition)
        return; /* as Kafka has it, what is not there is left out */
    log_offsets(partition, &o);
    struct kafka_describe_log_dirs_res_partition *p = &out->partitions.at[out->partitions.count++];
    p->partition_index = index;
    p->partition_size = (int64_t)o.bytes;
    p->offset_lag = 0;
}

static void describe_topic(struct call *call, struct log_topic *topic, const int32_t *indexes,
                           int32_t count, struct kafka_describe_log_dirs_res_result *dir)
{
    if (!topic)
        return;
    struct kafka_describe_log_dirs_res_topic *out = &dir->topics.at[dir->topics.count++];
    int32_t all = (int32_t)log_topic_info(topic)->partitions;

    out->name = log_topic_info(topic)->name;
    out->partitions.at =
        kafka_describe_log_dirs_res_partition_new(&call->arena, indexes ? count : all);
    for (int32_t i = 0; i < (indexes ? count : all); i++)
        describe_partition(topic, indexes ? indexes[i] : i, out);
}

static void describe_all(struct call *call, struct kafka_describe_log_dirs_res_result *dir)
{
    struct log *log = call->face->log;
    int32_t count = 0;

    for (struct log_topic *t = log_topic_next(log, NULL); t; t = log_topic_next(log, t))
        count++;
    dir->topics.at = kafka_describe_log_dirs_res_topic_new(&call->arena, count);
    for (struct log_topic *t = log_topic_next(log, NULL); t; t = log_topic_next(log, t)) {
        if (!log_topic_info(t)->options.internal)
            describe_topic(call, t, NULL, 0, dir);
    }
}

static int64_t replicas_asked(const struct kafka_describe_log_dirs_req *req)
{
    int64_t sum = 0;

    for (int32_t t = 0; t < req->topics.count; t++)
        sum += req->topics.at[t].partitions.count;
    return sum;
}

void kafka_on_describe_log_dirs(struct call *call, const void *request)
{
    const struct kafka_describe_log_dirs_req *req = request;
    struct kafka_describe_log_dirs_res res;
    const char *path = log_directory(call->face->log);
    struct log_stats stats;

    kafka_describe_log_dirs_res_init(&res);
    if (!call_may_cluster(call, ACL_DESCRIBE)) {
        res.error_code = KAFKA_ERR_CLUSTER_AUTHORIZATION_FAILED;
        call_answer(call, &res);
        return;
    }
    if (replicas_asked(req) > REPLICAS_MOST) {
        res.error_code = KAFKA_ERR_INVALID_REQUEST;
        call_answer(call, &res);
        return;
    }
    res.results.count = 1;
    res.results.at = kafka_describe_log_dirs_res_result_new(&call->arena, 1);
    struct kafka_describe_log_dirs_res_result *dir = &res.results.at[0];
    dir->log_dir = path ? bytes_str(path) : BYTES_LITERAL("memory");
    log_stats(call->face->log, &stats);
    if (stats.disk_bytes) {
        dir->total_bytes = (int64_t)stats.disk_bytes;
        dir->usable_bytes = (int64_t)stats.free_bytes;
    }
    if (req->topics.count < 0) {
        describe_all(call, dir);
    } else {
        dir->topics.at = kafka_describe_log_dirs_res_topic_new(&call->arena, req->topics.count);
        for (int32_t t = 0; t < req->topics.count; t++)
            describe_topic(call, face_topic_visible(call->face, req->topics.at[t].topic, NULL),
                           req->topics.at[t].partitions.at, req->topics.at[t].partitions.count, dir);
    }
    call_answer(call, &res);
}
