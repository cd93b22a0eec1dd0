/*
 * SFTP wire: the fields of version 3 packets (draft-ietf-secsh-filexfer-02): numbers big-endian, strings with their length.
 */
#ifndef FAKES_SFTP_SFTP_WIRE_H
#define FAKES_SFTP_SFTP_WIRE_H

#include "fakes/host/file_service.h"

enum sftp_type {
    SFTP_INIT = 1,
    SFTP_VERSION = 2,
    SFTP_OPEN = 3,
    SFTP_CLOSE = 4,
    SFTP_READ = 5,
    SFTP_WRITE = 6,
    SFTP_LSTAT = 7,
    SFTP_FSTAT = 8,
    SFTP_SETSTAT = 9,
    SFTP_FSETSTAT = 10,
    SFTP_OPENDIR = 11,
    SFTP_READDIR = 12,
    SFTP_REMOVE = 13,
    SFTP_MKDIR = 14,
    SFTP_RMDIR = 15,
    SFTP_REALPATH = 16,
    SFTP_STAT = 17,
    SFTP_RENAME = 18,
    SFTP_READLINK = 19,
    SFTP_SYMLINK = 20,
    SFTP_STATUS = 101,
    SFTP_HANDLE = 102,
    SFTP_DATA = 103,
    SFTP_NAME = 104,
    SFTP_ATTRS = 105,
    SFTP_EXTENDED = 200,
    SFTP_EXTENDED_REPLY = 201,
};

/* X(name, number, what the server says with it) */
#define SFTP_STATUS_LIST(X)                                                                                            \
    X(OK, 0, "Success")                                                                                                \
    X(EOF, 1, "End of file")                                                                                           \
    X(NO_SUCH_FILE, 2, "No such file")                                                                                 \
    X(PERMISSION_DENIED, 3, "Permission denied")                                                                       \
    X(FAILURE, 4, "Failure")                                                                                           \
    X(BAD_MESSAGE, 5, "Bad message")                                                                                   \
    X(OP_UNSUPPORTED, 8, "Operation unsupported")

enum sftp_status {
#define SFTP_STATUS_ENUM(name, number, text) SFTP_FX_##name = (number),
    SFTP_STATUS_LIST(SFTP_STATUS_ENUM)
#undef SFTP_STATUS_ENUM
};

/* Bits of a request to open, and of a block of attributes. */
enum {
    SFTP_OPEN_READ = 0x01,
    SFTP_OPEN_WRITE = 0x02,
    SFTP_OPEN_APPEND = 0x04,
    SFTP_OPEN_CREATE = 0x08,
    SFTP_OPEN_TRUNCATE = 0x10,
    SFTP_OPEN_EXCLUSIVE = 0x20,
    SFTP_ATTR_SIZE = 0x1,
    SFTP_ATTR_OWNER = 0x2,
    SFTP_ATTR_MODE = 0x4,
    SFTP_ATTR_TIMES = 0x8,
};
#define SFTP_ATTR_EXTENDED UINT32_C(0x80000000)

/* Takes fields off a packet. Failure is sticky: what is read after it is 0 or empty. */
struct sftp_reader {
    struct span rest;
    bool failed;
};

uint32_t sftp_take_u32(struct sftp_reader *reader);
uint64_t sftp_take_u64(struct sftp_reader *reader);
struct span sftp_take_string(struct sftp_reader *reader);

/* A string without NUL. Beyond `size` - 1 bytes it is cut, and `*too_long` set. */
void sftp_take_path(struct sftp_reader *reader, char *out, size_t size, bool *too_long);

/* A block of attributes, as the change that it asks for. */
void sftp_take_attributes(struct sftp_reader *reader, struct file_change *out);

void sftp_put_u32(struct buffer *out, uint32_t value);
void sftp_put_u64(struct buffer *out, uint64_t value);
void sftp_put_string(struct buffer *out, struct span text);
void sftp_put_attributes(struct buffer *out, const struct file_facts *facts);

/* A packet whose length is not known yet: begins it and returns its place; sftp_end() fills in the length. */
size_t sftp_begin(struct buffer *out, enum sftp_type type, uint32_t request_id);
void sftp_end(struct buffer *out, size_t place);

/* What a file's error is on the wire, and what is said with a status. */
enum sftp_status sftp_status_of(enum tree_error error);
const char *sftp_status_text(enum sftp_status status);

#endif
