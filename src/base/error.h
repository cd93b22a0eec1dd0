/*
 * Errors: one list of everything that can go wrong, with what a caller may do about it.
 *
 * A function that can fail returns enum error_code and, where there is something to say, fills a caller-owned struct error:
 * what failed, where, why, and what to do next, in one line. Programmer mistakes are assertions and never appear here.
 *
 * Retry classes:
 *   SAFE       asking again now can do no harm
 *   LATER      asking again is right, after a pause
 *   AMBIGUOUS  it may have happened: find out before asking again (this is the class that costs money)
 *   FATAL      asking again gives the same answer
 *
 * Exit statuses are those of the programs' --help.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdint.h>

#include "base/attributes.h"

enum retry_class { RETRY_SAFE, RETRY_LATER, RETRY_AMBIGUOUS, RETRY_FATAL };

enum exit_status {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_ENVIRONMENT = 3,
    EXIT_AUTHENTICATION = 4,
    EXIT_NO_MACHINE = 5, /* no offer, no credit, create refused */
    EXIT_DEADLINE = 6,
    EXIT_BUDGET = 7,
    EXIT_MACHINE_LEFT = 8, /* overrides all others */
    EXIT_MACHINES_UNWANTED = 9,
    EXIT_INTERRUPTED = 130,
    EXIT_TERMINATED = 143,
};

/* X(code, name in reports, retry class, exit status, sentence) */
#define ERROR_LIST(X)                                                                                                  \
    X(OK, "ok", SAFE, DONE, "done")                                                                                    \
    /* what a person gave us */                                                                                        \
    X(USAGE, "usage", FATAL, USAGE, "the command line is not understood")                                              \
    X(INPUT_UNREADABLE, "input_unreadable", FATAL, USAGE, "an input file cannot be read")                              \
    X(INPUT_INVALID, "input_invalid", FATAL, USAGE, "an input file has a mistake")                                     \
    /* this machine */                                                                                                 \
    X(NO_MEMORY, "no_memory", LATER, ENVIRONMENT, "memory is exhausted")                                               \
    X(CANNOT_WRITE, "cannot_write", FATAL, ENVIRONMENT, "a file cannot be written")                                    \
    X(CANNOT_LISTEN, "cannot_listen", FATAL, ENVIRONMENT, "a port cannot be listened on")                              \
    X(MISSING_TOOL, "missing_tool", FATAL, ENVIRONMENT, "a program that is needed is missing")                         \
    X(NOT_AVAILABLE, "not_available", FATAL, ENVIRONMENT, "this build does not have that part")                        \
    X(SSH_KEY_UNUSABLE, "ssh_key_unusable", FATAL, ENVIRONMENT, "the private SSH key cannot be used")                  \
    X(LEDGER_UNWRITABLE, "ledger_unwritable", FATAL, ENVIRONMENT, "the ledger cannot be written")                      \
    X(STATE_LOCKED, "state_locked", LATER, ENVIRONMENT, "another process uses the state folder")                       \
    /* a transport that failed: one code for each fate, see world/world.h */                                           \
    X(NAME_UNKNOWN, "name_unknown", LATER, FAILED, "the host name is unknown")                                         \
    X(UNREACHABLE, "unreachable", LATER, FAILED, "the host cannot be reached")                                         \
    X(CONNECTION_REFUSED, "connection_refused", SAFE, FAILED, "the connection was refused")                            \
    X(CONNECTION_RESET, "connection_reset", LATER, FAILED, "the connection was reset")                                 \
    X(CLOSED_EARLY, "closed_early", LATER, FAILED, "the connection was closed without an answer")                      \
    X(REPLY_TRUNCATED, "reply_truncated", LATER, FAILED, "the reply ends too early")                                   \
    X(REPLY_TOO_LARGE, "reply_too_large", FATAL, FAILED, "the reply is larger than allowed")                           \
    X(REPLY_MALFORMED, "reply_malformed", LATER, FAILED, "the reply is not well-formed")                               \
    X(TIMED_OUT, "timed_out", LATER, FAILED, "no answer in time")                                                      \
    X(TLS_REFUSED, "tls_refused", FATAL, FAILED, "the server's certificate is not trusted")                            \
    /* what the API answered */                                                                                        \
    X(RATE_LIMITED, "rate_limited", LATER, FAILED, "the API refuses so many requests")                                 \
    X(SERVER_ERROR, "server_error", LATER, FAILED, "the API reports an error of its own")                              \
    X(NOT_AUTHENTICATED, "not_authenticated", FATAL, AUTHENTICATION, "the API key is not accepted")                    \
    X(NOT_PERMITTED, "not_permitted", FATAL, AUTHENTICATION, "the API key may not do this")                            \
    X(REQUEST_REJECTED, "request_rejected", FATAL, FAILED, "the API rejects the request")                              \
    X(REPLY_UNEXPECTED, "reply_unexpected", LATER, FAILED, "the reply has another shape than known")                   \
    X(ENDPOINT_GONE, "endpoint_gone", FATAL, FAILED, "the API no longer has this call")                                \
    X(NO_SUCH_INSTANCE, "no_such_instance", FATAL, FAILED, "there is no such instance")                                \
    /* the market */                                                                                                   \
    X(NO_OFFER, "no_offer", FATAL, NO_MACHINE, "no offer fits what was asked for")                                     \
    X(OFFER_TAKEN, "offer_taken", SAFE, NO_MACHINE, "the offer was taken by somebody else")                            \
    X(NO_CREDIT, "no_credit", FATAL, NO_MACHINE, "the account lacks credit")                                           \
    X(CREATE_WITHOUT_EFFECT, "create_without_effect", SAFE, NO_MACHINE, "the create had no effect")                    \
    X(CREATE_REFUSED, "create_refused", FATAL, NO_MACHINE, "the machine was refused")                                  \
    X(OUTCOME_UNKNOWN, "outcome_unknown", AMBIGUOUS, FAILED, "it may or may not have happened")                        \
    /* a rented machine */                                                                                             \
    X(MACHINE_EXITED, "machine_exited", FATAL, FAILED, "the machine stopped instead of starting")                      \
    X(MACHINE_OFFLINE, "machine_offline", FATAL, FAILED, "the machine's host is offline")                              \
    X(MACHINE_GONE, "machine_gone", FATAL, FAILED, "the machine no longer exists")                                     \
    X(MACHINE_NOT_RUNNING, "machine_not_running", LATER, FAILED, "the machine is not running")                         \
    X(SSH_ADDRESS_MISSING, "ssh_address_missing", LATER, FAILED, "the API gives no SSH address of the machine")        \
    X(BOOT_DEADLINE, "boot_deadline", FATAL, DEADLINE, "the machine was not running in time")                          \
    X(SSH_DEADLINE, "ssh_deadline", FATAL, DEADLINE, "the machine did not answer SSH in time")                         \
    X(SSH_SILENT, "ssh_silent", LATER, FAILED, "the SSH server accepts but does not speak")                            \
    X(SSH_KEY_DENIED, "ssh_key_denied", LATER, AUTHENTICATION, "the SSH key is not accepted")                          \
    X(SSH_HOST_KEY_CHANGED, "ssh_host_key_changed", FATAL, FAILED, "the machine's host key changed")                   \
    X(SSH_DROPPED, "ssh_dropped", AMBIGUOUS, FAILED, "the SSH connection broke during a command")                      \
    X(COMMAND_FAILED, "command_failed", FATAL, FAILED, "a command on the machine failed")                              \
    X(DISK_FULL, "disk_full", FATAL, FAILED, "the machine's disk is full")                                             \
    X(FILE_DIFFERS, "file_differs", FATAL, FAILED, "the file read back is not the file written")                       \
    X(OUTPUT_UNEXPECTED, "output_unexpected", FATAL, FAILED, "a command's output is not understood")                   \
    /* the object store */                                                                                             \
    X(TOKEN_EXPIRED, "token_expired", SAFE, AUTHENTICATION, "the store's token is no longer accepted")                 \
    X(CAP_EXCEEDED, "cap_exceeded", FATAL, BUDGET, "a cap of the store's account is reached")                          \
    X(NO_SUCH_FILE, "no_such_file", FATAL, FAILED, "the store has no file of that name")                               \
    X(NO_SUCH_BUCKET, "no_such_bucket", FATAL, FAILED, "the store has no such bucket")                                 \
    X(CHECKSUM_MISMATCH, "checksum_mismatch", LATER, FAILED, "the bytes that arrived are not those that were sent")    \
    X(SOURCE_CHANGED, "source_changed", FATAL, FAILED, "the file changed while it was read")                           \
    /* control */                                                                                                      \
    X(DEADLINE, "deadline", FATAL, DEADLINE, "the time allowed has passed")                                            \
    X(INTERRUPTED, "interrupted", FATAL, INTERRUPTED, "interrupted")                                                   \
    X(BUDGET, "budget", FATAL, BUDGET, "the budget does not allow it")                                                 \
    X(DECLINED, "declined", FATAL, FAILED, "the question was not answered with yes")                                   \
    X(MACHINE_LEFT, "machine_left", FATAL, MACHINE_LEFT, "a machine is left and may be billing")                       \
    /* the ledger and the events store */                                                                              \
    X(STORE_UNAVAILABLE, "store_unavailable", LATER, FAILED, "the database does not answer")                           \
    X(STORE_TABLE_MISSING, "store_table_missing", FATAL, FAILED, "a table is missing")                                 \
    X(STORE_REJECTED, "store_rejected", FATAL, FAILED, "the database rejects the statement")

enum error_code {
#define ERROR_ENUM(code, name, retry, exit, sentence) ERR_##code,
    ERROR_LIST(ERROR_ENUM)
#undef ERROR_ENUM
        ERROR_COUNT
};

enum { ERROR_MESSAGE_SIZE = 320, ERROR_NEXT_STEP_SIZE = 192 };

/*
 * What went wrong, for a person. `message` is one line without the sentence's final point; `next_step` says what to do and may
 * be empty. Neither ever holds a secret or a raw reply; control characters in what is quoted become spaces.
 */
struct error {
    enum error_code code;
    int http_status;        /* 0 when no reply came */
    int64_t retry_after_ns; /* the server's wish, 0 when it has none */
    char message[ERROR_MESSAGE_SIZE];
    char next_step[ERROR_NEXT_STEP_SIZE];
};

const char *error_name(enum error_code code);     /* "connection_refused" */
const char *error_sentence(enum error_code code); /* "the connection was refused" */
enum retry_class error_retry_class(enum error_code code);
enum exit_status error_exit_status(enum error_code code);
const char *retry_class_name(enum retry_class retry); /* "safe", "later", "ambiguous", "fatal" */

/* The code that bears `name`, or ERROR_COUNT when none does. */
enum error_code error_by_name(const char *name);

/* Sets code and message, clears the rest. Returns `code`, so that a function can end with it. */
enum error_code error_set(struct error *error, enum error_code code, const char *format, ...) PRINTF_LIKE(3, 4);

/* Puts "<context>: " in front of the message, cutting its end if it grows too long. */
void error_wrap(struct error *error, const char *format, ...) PRINTF_LIKE(2, 3);

/* What the reader of an error may do when nothing better is known; "" when there is nothing to say. */
const char *error_usual_advice(enum error_code code);

/* Sets what the reader of the error should do. */
void error_advise(struct error *error, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
