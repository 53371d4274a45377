#include <inttypes.h>
#include <stdio.h>

#include "app/cli/commands.h"
#include "app/sim/sim.h"

static int told(const struct sim_options *options, const struct sim_report *r)
{
    printf("%" PRIu64 " ticks, %" PRIu64 " events (%" PRIu64 " late), %" PRIu64 " starts, %" PRIu64
           " crashes (%" PRIu64 " writes lost, %" PRIu64 " torn), %" PRIu64 " ticks replayed\n",
           r->ticks, r->events, r->late, r->lives, r->crashes, r->writes_lost, r->writes_torn,
           r->replayed);
    printf("%" PRIu64 " offsets committed in %" PRIu64 " generations of a group, %" PRIu64 " deaths in it, %" PRIu64
           " rows of a view read\n",
           r->commits, r->generations, r->deaths, r->views_read);
    printf("%" PRIu64 " partitions added to topics of jobs\n", r->widened);
    printf("%" PRIu64 " times a job was dropped and made again, %" PRIu64 " times a topic was, %" PRIu64
           " times the disk was full\n",
           r->drops, r->topics_made, r->squeezes);
    printf("%" PRIu32 " to %" PRIu32 " shards, %" PRIu32 " re-keyings, %" PRIu64 " checkpoints, %" PRIu64
           " reloads of each job or more, %" PRIu64 " moves of state to disk\n",
           r->shards_min, r->shards_max, r->rekeyings, r->checkpoints, r->reloads, r->moves);
    if (r->failures)
        printf("%" PRIu64 " failure%s; again with: quickwater sim --seed %" PRIu64 " --ticks %" PRIu64
               "%s%s --trace\n",
               r->failures, r->failures == 1 ? "" : "s", options->seed,
               options->ticks ? options->ticks : SIM_TICKS_DEFAULT, options->bug ? " --bug " : "",
               options->bug ? options->bug : "");
    printf("seed %" PRIu64 " hash %016" PRIx64 "\n", options->seed, r->hash);
    return r->failures ? EXIT_OURS : 0;
}

static int run(const struct command *self, int argc, char **argv)
{
    int64_t seed = -1, ticks = 0;
    bool trace = false;
    const char *bug = NULL;
    const struct arg args[] = {
        {"--seed", "S", "the run: all chance follows from it", ARG_NUMBER, &seed},
        {"--ticks", "N", "of all jobs together, at least (1000)", ARG_NUMBER, &ticks},
        {"--trace", NULL, "tell what happens", ARG_FLAG, &trace},
        {"--bug", "NAME", "plant a bug (debug and asan builds): it should be found", ARG_TEXT, &bug},
        {0},
    };
    int count = args_parse(self, args, argc, argv);
    struct sim_options options;
    struct sim_report report;

    if (count < 0)
        return count == -1 ? 0 : EXIT_USER;
    if (count > 0)
        return fail_user("sim takes no '%s': quickwater sim --seed S [--ticks N]", argv[1]);
    if (seed < 0)
        return fail_user("sim needs --seed S, a number from 0 on");
    if (ticks < 0)
        return fail_user("--ticks must be a number from 1 on");
    options = (struct sim_options){.seed = (uint64_t)seed, .ticks = (uint64_t)ticks, .bug = bug,
                                   .trace = trace ? stdout : NULL};
    if (!sim_run(&options, stdout, &report)) {
        fprintf(stderr, "quickwater: this build has no bug '%s';", bug);
        for (unsigned i = 0; sim_bug_name(i); i++)
            fprintf(stderr, " %s", sim_bug_name(i));
        fprintf(stderr, "%s\n", sim_bug_name(0) ? "" : " a debug or asan build has some");
        return EXIT_USER;
    }
    return told(&options, &report);
}

const struct command command_sim = {
    .name = "sim",
    .usage = "--seed S [--ticks N]",
    .help = "one simulated run of the whole server, with faults",
    .more = "Runs server and clients on a simulated clock, disk and network, all from the seed: power cuts,\n"
            "kills, failed syncs, lost connections. After each start, and at the end, all is read back\n"
            "and compared with what was promised and with a recomputation. The last line is\n"
            "`seed S hash H`: the same seed gives the same hash. Exit code 1 when something is wrong.",
    .run = run,
};
