/* What a job's blackholes have swallowed: the figures that benchmarks compare. */
#include "flow/engine.h"
#include "flow/job.h"
#include "flow/sinks.h"

void job_output(struct job *job, struct job_output *out)
{
    *out = (struct job_output){0};
    job_settle(job);
    for (uint32_t sink = 0; sink < driver_sinks_count(job->driver); sink++) {
        for (uint32_t shard = 0; shard < driver_shards(job->driver); shard++) {
            const struct sink *s = driver_sink(job->driver, sink, shard);
            struct sink_blackhole_figures figures;
            if (!s || s->class != &sink_blackhole_class)
                continue;
            sink_blackhole_read(s, &figures);
            out->rows += figures.rows;
            out->hash += figures.hash;
        }
    }
}
