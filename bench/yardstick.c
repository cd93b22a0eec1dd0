#include "yardstick.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/digest.h"
#include "samples.h"

enum { BLOCK_BYTES = 1 << 18, MIB_BYTES = 1 << 20 };

static double mib_per_s(int64_t bytes, double began_s)
{
    return (double)bytes / MIB_BYTES / (bench_now_s() - began_s);
}

double yardstick_sha1(int64_t bytes)
{
    static char block[BLOCK_BYTES];
    char hex[DIGEST_HEX_SIZE];
    struct digest digest;
    struct heap *heap = heap_new();
    double began_s = bench_now_s();
    bool good = heap != NULL && digest_start(&digest, heap, DIGEST_SHA1);
    for (int64_t done = 0; good && done < bytes; done += BLOCK_BYTES) {
        digest_add(&digest, block, bytes - done < BLOCK_BYTES ? (size_t)(bytes - done) : BLOCK_BYTES);
    }
    if (!good || !digest_finish(&digest, hex)) {
        bench_fail("no digest");
    }
    double speed = mib_per_s(bytes, began_s);
    heap_free(heap);
    return speed;
}

static _Noreturn void send_all(const struct sockaddr_in *to, int64_t bytes)
{
    static char block[BLOCK_BYTES];
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    int link = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (link < 0 || connect(link, (const struct sockaddr *)to, sizeof *to) != 0) {
        _exit(1);
    }
    while (bytes > 0) {
        ssize_t sent = send(link, block, bytes < BLOCK_BYTES ? (size_t)bytes : BLOCK_BYTES, MSG_NOSIGNAL);
        if (sent < 0) {
            _exit(1);
        }
        bytes -= sent;
    }
    _exit(0);
}

double yardstick_loopback(int64_t bytes)
{
    static char block[BLOCK_BYTES];
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof name;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&name, size) != 0 || listen(listener, 1) != 0 ||
        getsockname(listener, (struct sockaddr *)&name, &size) != 0) {
        bench_fail("no socket on loopback");
    }
    pid_t sender = fork();
    if (sender == 0) {
        send_all(&name, bytes);
    }
    int link = sender < 0 ? -1 : accept(listener, NULL, NULL);
    int64_t left = bytes;
    double began_s = bench_now_s();
    for (ssize_t got = 1; link >= 0 && left > 0 && got > 0; left -= got) {
        got = recv(link, block, sizeof block, 0);
    }
    double speed = mib_per_s(bytes, began_s);
    (void)close(link);
    (void)close(listener);
    bench_stop(sender, SIGKILL);
    if (left != 0) {
        bench_fail("the copy over loopback is not whole");
    }
    return speed;
}
