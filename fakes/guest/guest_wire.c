#include "fakes/guest/guest_wire.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(GUEST_DESCRIPTORS_MAX * sizeof(int))];
};

bool guest_send(int socket, const struct guest_message *message, struct span payload, const int *descriptors,
                size_t descriptor_count)
{
    union control control;
    struct guest_message copy = *message;
    struct iovec parts[] = {
        {&copy, sizeof copy},
        {(void *)(uintptr_t)payload.at, payload.length},
    };
    struct msghdr header = {.msg_iov = parts, .msg_iovlen = payload.length > 0 ? 2 : 1};
    if (descriptor_count > 0) {
        memset(&control, 0, sizeof control);
        header.msg_control = control.bytes;
        header.msg_controllen = CMSG_SPACE(descriptor_count * sizeof(int));
        struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(descriptor_count * sizeof(int));
        memcpy(CMSG_DATA(rights), descriptors, descriptor_count * sizeof(int));
    }
    ssize_t sent;
    do {
        sent = sendmsg(socket, &header, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent >= 0;
}

static void take_descriptors(struct msghdr *header, struct guest_incoming *incoming)
{
    for (struct cmsghdr *part = CMSG_FIRSTHDR(header); part != NULL; part = CMSG_NXTHDR(header, part)) {
        if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_RIGHTS) {
            size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
            count = count < GUEST_DESCRIPTORS_MAX ? count : GUEST_DESCRIPTORS_MAX;
            memcpy(incoming->descriptors, CMSG_DATA(part), count * sizeof(int));
            incoming->descriptor_count = count;
        }
    }
}

enum guest_received guest_receive(int socket, struct guest_incoming *incoming)
{
    union control control;
    struct iovec parts[] = {
        {&incoming->message, sizeof incoming->message},
        {incoming->storage, sizeof incoming->storage},
    };
    struct msghdr header = {
        .msg_iov = parts, .msg_iovlen = 2, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    incoming->descriptor_count = 0;
    ssize_t got;
    do {
        got = recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        return errno == EAGAIN || errno == EWOULDBLOCK ? GUEST_NOTHING_YET : GUEST_GONE;
    }
    take_descriptors(&header, incoming);
    if ((size_t)got < sizeof incoming->message) {
        guest_close_descriptors(incoming);
        return GUEST_GONE;
    }
    incoming->length = (size_t)got - sizeof incoming->message;
    return GUEST_MESSAGE;
}

void guest_close_descriptors(struct guest_incoming *incoming)
{
    while (incoming->descriptor_count > 0) {
        (void)close(incoming->descriptors[--incoming->descriptor_count]);
    }
}
