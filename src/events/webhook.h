/*
 * Webhook: one attempt to tell one subscriber of one event, over the door's HTTP.
 *
 * What a receiver gets, by POST:
 *     Content-Type: application/json          the body is the event's payload (events/record.h), the same bytes at each attempt
 *     X-Dumont-Event-Id: 5f1c…                the same at each attempt: what came twice is recognised by it
 *     X-Dumont-Event: instance.ready
 *     X-Dumont-Attempt: 1
 *     X-Dumont-Timestamp: 1767381138          seconds since 1970 of this attempt, in decimal, also of a rehearsal's: a receiver's clock is real
 *     X-Dumont-Signature: sha256=9a3b…        where the subscriber has a secret
 *
 * Signature: lower-case hex of HMAC-SHA-256, the key being the bytes of `secret`, over the timestamp's digits, a full stop, and the body
 * ("1767381138.{…}"). A receiver computes it over the bytes that it got, compares in constant time, and refuses timestamps that are
 * older than a few minutes, so that nobody repeats a message that he has overheard.
 *
 * URLs: http or https, with credentials if need be ("https://user:word@host/path?key=…": sent as basic authentication). A URL is a secret:
 * no message, note or column here repeats any of it. Redirects are not followed.
 */
#ifndef EVENTS_WEBHOOK_H
#define EVENTS_WEBHOOK_H

#include "events/record.h"

enum {
    WEBHOOK_URL_SIZE = 2048,
    WEBHOOK_ORIGIN_SIZE = 300,
    WEBHOOK_AUTHORIZATION_SIZE = 400,
    WEBHOOK_SECRET_SIZE = 256,
    WEBHOOK_REASON_SIZE = 96
};

struct webhook_address {
    char origin[WEBHOOK_ORIGIN_SIZE];               /* "https://host:8443", lower case */
    char path[WEBHOOK_URL_SIZE];                    /* with query: "/path?key=word" */
    char authorization[WEBHOOK_AUTHORIZATION_SIZE]; /* "Basic …", "" for none */
};

/* Splits a URL strictly. False for anything that is not plainly one: then nothing of `out` is to be used. */
MUST_USE bool webhook_split(const char *url, struct webhook_address *out);

/* Is the receiver on this machine, by its URL alone? False for a URL that is none. */
MUST_USE bool webhook_is_local(const char *url);

struct webhook_message {
    char event_id[EVENT_ID_SIZE];
    char kind[EVENT_KIND_SIZE];
    char payload[EVENT_PAYLOAD_SIZE];
    int64_t attempt; /* from 1 */
    char url[WEBHOOK_URL_SIZE];
    char secret[WEBHOOK_SECRET_SIZE]; /* "" for none: the message is not signed */
};

enum webhook_outcome {
    WEBHOOK_TAKEN,   /* answered 200 to 299 */
    WEBHOOK_LATER,   /* no answer, 408, 425, 429 or 500 to 599: asking again may help */
    WEBHOOK_REFUSED, /* any other answer, redirects too, or no URL that can be used: it would not */
    WEBHOOK_GONE,    /* 410: the subscriber wants nothing more */
    WEBHOOK_CUT      /* interrupted, or no memory: nothing is known of the receiver */
};

struct webhook_answer {
    char reason[WEBHOOK_REASON_SIZE]; /* what came, for a person */
    int64_t wish_ns;                  /* of a 429 or 503: not to be asked for so long (Retry-After); 0: none */
};

/* One attempt, of at most ten seconds of real time. */
enum webhook_outcome webhook_send(struct world *world, const struct webhook_message *message,
                                  struct webhook_answer *answer);

#endif
