/* sample.h: the figures that the page shows, made once for all who look and only while they look.
 *
 * Latency is that of the last second or two: a job's histogram only ever grows, so two earlier copies
 * of it are kept and the older one is subtracted.
 *
 * Owns: its texts, valid until the next refresh.   Layer: serve. */
#ifndef QW_SERVE_HTTP_SAMPLE_H
#define QW_SERVE_HTTP_SAMPLE_H

#include "serve/http/face.h"

struct sample {
    int64_t at_ns;
    struct buf overview;  /* {"type":"overview",…} */
    struct buf views;     /* {"type":"views",…} */
    uint64_t views_hash;  /* of their names and columns: another one, and views is sent again */
    struct map tracks;    /* job → struct track */
};

/* The figures of this pass of the loop. */
const struct sample *sample_refresh(struct http_face *face);
void sample_free(struct sample *sample);

/* {"type":"job",…}; false: there is no such job. */
bool write_job_message(struct http_face *face, struct bytes name, struct buf *out);

#endif
