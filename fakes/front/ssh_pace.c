#include "fakes/front/ssh_pace.h"

enum { PIECES_A_SECOND = 20 }; /* how often a slow program is woken */

void ssh_pace_start(struct ssh_pace *pace, struct stage_server *stage, struct channel_program *program,
                    int64_t bytes_per_s)
{
    *pace = (struct ssh_pace){
        .stage = stage, .program = program, .bytes_per_s = bytes_per_s, .begun_ns = stage_now_ns(stage)};
}

void ssh_pace_stop(struct ssh_pace *pace)
{
    stage_cancel(pace->stage, &pace->wake);
}

static void wake(void *owner)
{
    struct ssh_pace *pace = owner;
    program_changed(pace->program);
}

size_t ssh_pace_room(struct ssh_pace *pace, size_t wanted)
{
    if (pace->bytes_per_s == 0 || wanted == 0) {
        return wanted;
    }
    int64_t now_ns = stage_now_ns(pace->stage);
    int64_t piece = pace->bytes_per_s / PIECES_A_SECOND + 1;
    int64_t let = scale_rounded(now_ns - pace->begun_ns, pace->bytes_per_s, NS_PER_S) + piece;
    int64_t left = let - pace->moved_bytes;
    if (left > 0) {
        return (uint64_t)left < wanted ? (size_t)left : wanted;
    }
    if (pace->wake.place == 0) {
        int64_t due_ns = saturating_add(now_ns, scale_rounded(piece - left, NS_PER_S, pace->bytes_per_s));
        (void)!stage_at(pace->stage, &pace->wake, due_ns, EVENT_CLASS_ARRIVAL, wake, pace);
    }
    return 0;
}

void ssh_pace_moved(struct ssh_pace *pace, size_t size)
{
    pace->moved_bytes += (int64_t)size;
}
