/* The floor: what answering costs when nothing is decided.
 *
 * One thread, one epoll loop, one recv and one send per request, and the same canned answer for every
 * request. It finds the end of each head, because a server that does not is answering something else, and
 * looks at nothing in it: no target, no fields, no file, no log. No HTTP server on the same system calls can
 * cost less, so the distance to it is what a server spends on being one.
 *
 * Usage: floor PORT ANSWER keep|close
 *   PORT     port to listen on, on 127.0.0.1
 *   ANSWER   file with the whole answer, head and content, as it goes over the wire
 *   keep     connections persist;  close: each is closed after one answer
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_CONNECTIONS = 8192, EVENTS = 512, HEAD_END = 4, CARRIED = HEAD_END - 1 };

/* The last bytes of an unfinished head: the blank line that ends it may arrive in two pieces. */
struct tail {
    char bytes[CARRIED];
    size_t length;
};

static struct tail tails[MAX_CONNECTIONS];
static char answer[1 << 20];
static size_t answer_length;
static int closes;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static int listen_on(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int on = 1;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener < 0) fail("socket");
    if (setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on)) fail("SO_REUSEADDR");
    if (bind(listener, (struct sockaddr *)&address, sizeof address)) fail("bind");
    if (listen(listener, 4096)) fail("listen");
    return listener;
}

static void watch(int epoll, int fd) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event)) fail("epoll_ctl");
}

/* One connection per readiness: the next one waiting makes the listener ready again at once. */
static void accept_one(int epoll, int listener) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        if (errno == EAGAIN || errno == ECONNABORTED) return;
        fail("accept4");
    }
    if (fd >= MAX_CONNECTIONS) {
        close(fd);
        return;
    }
    tails[fd].length = 0;
    watch(epoll, fd);
}

/* How many heads end within the received bytes; what follows the last of them is carried over. */
static size_t heads_ended(struct tail *tail, const char *from, const char *end) {
    size_t heads = 0;
    const char *blank_line;
    while ((blank_line = memmem(from, (size_t)(end - from), "\r\n\r\n", HEAD_END))) {
        heads++;
        from = blank_line + HEAD_END;
    }
    size_t left = (size_t)(end - from);
    tail->length = left < CARRIED ? left : CARRIED;
    memcpy(tail->bytes, end - tail->length, tail->length);
    return heads;
}

static void serve(int fd) {
    char buffer[CARRIED + 16384];
    struct tail *tail = &tails[fd];
    memcpy(buffer, tail->bytes, tail->length);
    ssize_t received = recv(fd, buffer + tail->length, sizeof buffer - CARRIED, 0);
    if (received < 0 && errno == EAGAIN) return;
    if (received <= 0) {
        close(fd);
        return;
    }
    size_t heads = heads_ended(tail, buffer, buffer + tail->length + received);
    for (size_t sent = 0; sent < heads; sent++) {
        /* A client that does not read its answers is cut off: the load generator reports it as an error. */
        ssize_t written = send(fd, answer, answer_length, MSG_NOSIGNAL);
        if (written != (ssize_t)answer_length || closes) {
            close(fd);
            return;
        }
    }
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fputs("usage: floor PORT ANSWER keep|close\n", stderr);
        return 2;
    }
    FILE *file = fopen(argv[2], "rb");
    if (!file) fail(argv[2]);
    answer_length = fread(answer, 1, sizeof answer, file);
    fclose(file);
    closes = strcmp(argv[3], "close") == 0;

    int listener = listen_on(atoi(argv[1]));
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0) fail("epoll_create1");
    watch(epoll, listener);
    for (;;) {
        struct epoll_event events[EVENTS];
        int ready = epoll_wait(epoll, events, EVENTS, -1);
        if (ready < 0 && errno != EINTR) fail("epoll_wait");
        for (int i = 0; i < ready; i++) {
            if (events[i].data.fd == listener)
                accept_one(epoll, listener);
            else
                serve(events[i].data.fd);
        }
    }
}
