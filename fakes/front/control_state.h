/*
 * The control API's inside, shared by its files: control_front.c (who may ask, which route), control_tell.c (what is so),
 * control_act.c (what is changed).
 */
#ifndef FAKES_FRONT_CONTROL_STATE_H
#define FAKES_FRONT_CONTROL_STATE_H

#include "base/json_write.h"
#include "fakes/front/control_front.h"

enum { CONTROL_NAME_SIZE = 64, CONTROL_MESSAGE_SIZE = 256 };

/* One request and the answer to it. */
struct control_call {
    struct control_front *front;
    struct http_call *http;
    char name[CONTROL_NAME_SIZE]; /* what stands behind the route: "null-status" */
    struct buffer text;           /* of the answer */
    struct json_writer writer;
    const char *content_type;
    int status; /* 200, unless control_refuse() says otherwise */
    char message[CONTROL_MESSAGE_SIZE];
};

/* The request cannot be carried out. */
void control_refuse(struct control_call *control, int status, const char *format, ...) PRINTF_LIKE(3, 4);

void control_tell_state(struct control_call *control);
void control_tell_history(struct control_call *control);
void control_tell_clock(struct control_call *control);
void control_tell_faults(struct control_call *control);
void control_tell_requests(struct control_call *control);

void control_count_requests(struct control_call *control);
void control_set_clock(struct control_call *control);
void control_put_fault(struct control_call *control);
void control_remove_fault(struct control_call *control);
void control_act_on_machine(struct control_call *control);
void control_reset(struct control_call *control);

#endif
