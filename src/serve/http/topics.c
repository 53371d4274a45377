#include "serve/http/face.h"

static void write_topic(struct json_writer *w, struct log_topic *topic)
{
    static const char *const durability[] = {"fsync", "interval", "memory"};
    const struct log_topic_info *info = log_topic_info(topic);
    struct log_offsets o;

    json_object_begin(w);
    json_key_text(w, "name", info->name);
    json_key_str(w, "durability", durability[info->options.durability]);
    json_key(w, "partitions");
    json_array_begin(w);
    for (uint32_t i = 0; i < info->partitions; i++) {
        log_offsets(log_partition_of(topic, i), &o);
        json_object_begin(w);
        json_key_i64(w, "start", o.start);
        json_key_i64(w, "end", o.durable);
        json_key_u64(w, "bytes", o.bytes);
        json_object_end(w);
    }
    json_array_end(w);
    json_object_end(w);
}

void get_topics(struct exchange *x)
{
    struct log_topic *topic = NULL;
    struct buf body;
    struct json_writer w;

    buf_init(&body, x->face->options.answer_bytes_max);
    json_writer_init(&w, &body);
    json_array_begin(&w);
    while ((topic = log_topic_next(x->face->log, topic)))
        if (!log_topic_info(topic)->options.internal)
            write_topic(&w, topic);
    json_array_end(&w);
    reply_json(x, 200, &body);
}
