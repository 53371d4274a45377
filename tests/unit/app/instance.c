/* A check that fails inside one instance is that instance's end, and nobody else's. */
#include <unistd.h>

#include "app/instance.h"
#include "base/check.h"
#include "lib/test.h"

static void fail_inside(struct call *call, struct server *server)
{
    (void)call;
    (void)server;
    CHECK(1 + 1 == 3);
}

static void answer(struct call *call, struct server *server)
{
    (void)server;
    call_done(call, ST_OK);
}

static void on_failure(void *context, const char *what, const char *file, int line)
{
    (void)what;
    (void)file;
    (void)line;
    ++*(int *)context;
}

TEST(instance_poisoned_alone)
{
    struct server_options options = {0};
    struct instance *sick, *well;
    struct diag diag = {0};
    int failures = 0;

    EXPECT_OK(instance_open(&options, on_failure, &failures, &sick, &diag));
    EXPECT_OK(instance_open(&options, on_failure, &failures, &well, &diag));
    EXPECT_OK(instance_call(sick, answer, NULL));
    EXPECT_STATUS(instance_call(sick, fail_inside, NULL), ST_CLOSED);
    EXPECT_INT(failures, 1);
    EXPECT(instance_poisoned(sick));
    EXPECT_STATUS(instance_call(sick, answer, NULL), ST_CLOSED);
    EXPECT(!instance_poisoned(well));
    EXPECT_OK(instance_call(well, answer, NULL));
    instance_close(well);
    instance_close(sick);
    _exit(0); /* what the poisoned instance held is left as it was, on purpose: no leak check */
}
