#include "support/loopback.h"
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS = 1024, REQUESTS = 4096, STEPS = 16 };

static const char no_step[] = "";

typedef struct connection {
    loopback *server;
    int fd;
    pthread_t thread;
} connection;

struct loopback {
    int fd, port;
    pthread_t thread;
    pthread_mutex_t lock;
    bool stopping;
    connection connections[CONNECTIONS];
    size_t n_connections;
    loopback_step steps[STEPS], used;
    size_t n_steps, n_requests;
    char *requests[REQUESTS];
};

static const char good[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";

static void die(const char *what)
{
    perror(what);
    abort();
}

static int listening(int *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd == -1 || bind(fd, (struct sockaddr *)&at, sizeof at) == -1 || listen(fd, 64) == -1 ||
        getsockname(fd, (struct sockaddr *)&at, &n) == -1)
        die("loopback");
    *port = ntohs(at.sin_port);
    return fd;
}

int loopback_closed_port(void)
{
    int port = 0;
    close(listening(&port));
    return port;
}

static bool stopping(loopback *server)
{
    pthread_mutex_lock(&server->lock);
    bool stop = server->stopping;
    pthread_mutex_unlock(&server->lock);
    return stop;
}

/* The bytes that belong to the body of a request with this head. */
static bool whole(const char *head, size_t body)
{
    const char *length = strcasestr(head, "\r\ncontent-length:");
    if (strcasestr(head, "\r\ntransfer-encoding: chunked"))
        return body >= 5 && strcmp(head + strlen(head) - 5, "0\r\n\r\n") == 0;
    return !length || body >= strtoul(length + 17, NULL, 10);
}

/* One request as text; NULL: the client went. */
static char *read_request(int fd, bool early)
{
    size_t n = 0, room = 1 << 16;
    char *text = malloc(room);
    for (;;) {
        if (!text)
            die("malloc");
        text[n] = 0;
        const char *end = strstr(text, "\r\n\r\n");
        if (end && (early || whole(text, n - (size_t)(end + 4 - text))))
            return text;
        if (n + 1 == room)
            text = realloc(text, room *= 2);
        ssize_t got = text ? recv(fd, text + n, room - n - 1, 0) : -1;
        if (got <= 0) {
            free(text);
            return NULL;
        }
        n += (size_t)got;
    }
}

/* Request number i's, with the lock. */
static const loopback_step *pick(loopback *server, const char *request, size_t i)
{
    static const loopback_step none = {0};
    if (!server->steps[0].on)
        return &server->steps[i < server->n_steps ? i : server->n_steps - 1];
    for (size_t k = 0; k < server->n_steps; k++) {
        loopback_step *step = &server->steps[k];
        if (step->on == no_step || !strstr(request, step->on))
            continue;
        if (!step->once)
            return step;
        server->used = *step;
        step->on = no_step;
        return &server->used;
    }
    return &none;
}

static loopback_step next_step(loopback *server, char *request)
{
    pthread_mutex_lock(&server->lock);
    size_t i = server->n_requests++;
    loopback_step step = server->n_steps ? *pick(server, request, i) : (loopback_step){0};
    if (i < REQUESTS)
        server->requests[i] = request;
    else
        free(request);
    pthread_mutex_unlock(&server->lock);
    return step;
}

static bool early_step(loopback *server)
{
    pthread_mutex_lock(&server->lock);
    size_t i = server->n_requests < server->n_steps ? server->n_requests : server->n_steps - 1;
    bool early = server->n_steps && server->steps[i].early;
    pthread_mutex_unlock(&server->lock);
    return early;
}

static bool send_all(int fd, const char *data, size_t n)
{
    while (n) {
        ssize_t done = send(fd, data, n, MSG_NOSIGNAL);
        if (done <= 0)
            return false;
        data += done;
        n -= (size_t)done;
    }
    return true;
}

/* Until the client goes or the server is stopped: true while both are there, after ms. */
static bool client_stays(loopback *server, int fd, int ms)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLRDHUP};
    return poll(&poll_fd, 1, ms) == 0 && !stopping(server);
}

static char *json_reply(const loopback_step *step)
{
    char *text = NULL;
    if (asprintf(&text, "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                 step->status ? step->status : "200 OK", strlen(step->json), step->json) == -1)
        die("asprintf");
    return text;
}

static void answer(loopback *server, int fd, const loopback_step *step)
{
    char *made = step->json ? json_reply(step) : NULL;
    const char *reply = made ? made : step->reply ? step->reply : good;
    size_t n = step->size ? step->size : strlen(reply);
    if (step->end == LOOPBACK_DRIP) {
        for (size_t i = 0; i < n && client_stays(server, fd, 20) && send_all(fd, reply + i, 1); i++)
            ;
    } else {
        send_all(fd, reply, n);
    }
    while (step->end == LOOPBACK_ENDLESS && !stopping(server) && send_all(fd, reply + n - step->again, step->again))
        ;
    while ((step->end == LOOPBACK_STALL || step->end == LOOPBACK_DRIP) && client_stays(server, fd, 50))
        ;
    free(made);
}

static void *serve(void *arg)
{
    connection *c = arg;
    loopback_step step = {0};
    char *request;
    while (step.end == LOOPBACK_KEEP && (request = read_request(c->fd, early_step(c->server)))) {
        step = next_step(c->server, request);
        answer(c->server, c->fd, &step);
    }
    if (step.end == LOOPBACK_RESET) {
        struct linger hard = {.l_onoff = 1};
        setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    }
    pthread_mutex_lock(&c->server->lock);
    close(c->fd);
    c->fd = -1;
    pthread_mutex_unlock(&c->server->lock);
    return NULL;
}

static void *accept_all(void *arg)
{
    loopback *server = arg;
    for (int fd; (fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC)) != -1;) {
        int yes = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        pthread_mutex_lock(&server->lock);
        if (server->n_connections == CONNECTIONS)
            die("too many connections");
        connection *c = &server->connections[server->n_connections++];
        *c = (connection){.server = server, .fd = fd};
        if (pthread_create(&c->thread, NULL, serve, c) != 0)
            die("thread");
        pthread_mutex_unlock(&server->lock);
    }
    return NULL;
}

loopback *loopback_start(void)
{
    loopback *server = calloc(1, sizeof *server);
    if (!server)
        die("malloc");
    pthread_mutex_init(&server->lock, NULL);
    server->fd = listening(&server->port);
    if (pthread_create(&server->thread, NULL, accept_all, server) != 0)
        die("thread");
    return server;
}

static void forget(loopback *server)
{
    for (size_t i = 0; i < server->n_requests && i < REQUESTS; i++) {
        free(server->requests[i]);
        server->requests[i] = NULL;
    }
    server->n_requests = 0;
}

void loopback_stop(loopback *server)
{
    pthread_mutex_lock(&server->lock);
    server->stopping = true;
    pthread_mutex_unlock(&server->lock);
    shutdown(server->fd, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->fd);
    for (size_t i = 0; i < server->n_connections; i++) {
        pthread_mutex_lock(&server->lock);
        if (server->connections[i].fd != -1)
            shutdown(server->connections[i].fd, SHUT_RDWR);
        pthread_mutex_unlock(&server->lock);
        pthread_join(server->connections[i].thread, NULL);
    }
    forget(server);
    pthread_mutex_destroy(&server->lock);
    free(server);
}

int loopback_port(const loopback *server)
{
    return server->port;
}

void loopback_script(loopback *server, const loopback_step *steps, size_t n)
{
    pthread_mutex_lock(&server->lock);
    if (n > STEPS)
        die("too many steps");
    forget(server);
    if (n)
        memcpy(server->steps, steps, n * sizeof *steps);
    server->n_steps = n;
    pthread_mutex_unlock(&server->lock);
}

size_t loopback_requests(loopback *server)
{
    pthread_mutex_lock(&server->lock);
    size_t n = server->n_requests;
    pthread_mutex_unlock(&server->lock);
    return n;
}

size_t loopback_connections(loopback *server)
{
    pthread_mutex_lock(&server->lock);
    size_t n = server->n_connections;
    pthread_mutex_unlock(&server->lock);
    return n;
}

char *loopback_request(loopback *server, size_t i)
{
    pthread_mutex_lock(&server->lock);
    char *text = strdup(i < server->n_requests && server->requests[i] ? server->requests[i] : "");
    pthread_mutex_unlock(&server->lock);
    if (!text)
        die("malloc");
    return text;
}
