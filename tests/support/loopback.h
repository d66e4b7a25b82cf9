/* An HTTP server on the loopback that answers what a test wants, badly too. Replies are raw bytes. */
#ifndef LOOPBACK_H
#define LOOPBACK_H
#include <stdbool.h>
#include <stddef.h>

typedef enum loopback_end {
    LOOPBACK_KEEP,   /* the next request may come on the same connection */
    LOOPBACK_CLOSE,  /* closed after the reply */
    LOOPBACK_RESET,  /* cut off with RST after the reply */
    LOOPBACK_STALL,  /* nothing more until the client goes */
    LOOPBACK_DRIP,   /* the reply byte by byte, 20 ms each, then nothing more */
    LOOPBACK_ENDLESS /* the last `again` bytes of the reply for ever */
} loopback_end;

typedef struct loopback_step {
    const char *reply; /* NULL: 200 with "{}" */
    size_t size;       /* of the reply; 0: up to its NUL */
    loopback_end end;
    size_t again; /* for LOOPBACK_ENDLESS */
    bool early;   /* as soon as the headers are there: the request's body is not read */
    /* For servers that answer by what they are asked: the first step whose text is in the request; no step: "{}". */
    const char *on;           /* of all steps of a script or of none */
    bool once;                /* the second time another step is looked for */
    const char *status, *json; /* instead of a reply; status NULL: "200 OK" */
} loopback_step;

typedef struct loopback loopback;

loopback *loopback_start(void);
void loopback_stop(loopback *server);
int loopback_port(const loopback *server);
/* Request number i from now on is answered by step i, those after the last by the last. Replies must stay. */
void loopback_script(loopback *server, const loopback_step *steps, size_t n);
size_t loopback_requests(loopback *server); /* since the script was set */
size_t loopback_connections(loopback *server);
/* What request number i was, head and body; "" if it was not. Yours: free. */
char *loopback_request(loopback *server, size_t i);
int loopback_closed_port(void); /* nobody listens there */

#endif
