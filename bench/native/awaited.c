/*
 * One message at a time: produced, its delivery report awaited, the next. What an awaited send() costs without
 * JavaScript, on the librdkafka that the addon links.
 *
 *   awaited -b host:port -t topic [-c messages] [-w warm-up] [-s value bytes] [-X property=value]...
 *
 * Prints {"messages":N,"seconds":S,"p50":MS,"p99":MS} on stdout. Ends with 1 when a message was not delivered.
 */
#include "rdkafka.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int delivered;
static rd_kafka_resp_err_t outcome;

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque) {
    (void)rk;
    (void)opaque;
    outcome = message->err;
    delivered = 1;
}

static void fail(const char *what, const char *why) {
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

static void set(rd_kafka_conf_t *conf, const char *name, const char *value) {
    char why[512];
    if (rd_kafka_conf_set(conf, name, value, why, sizeof(why)) != RD_KAFKA_CONF_OK) fail(name, why);
}

static double milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static int ascending(const void *a, const void *b) {
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

int main(int argc, char **argv) {
    const char *topic = NULL;
    long messages = 5000, warm_up = 500, size = 100, i;
    char why[512], key[6], *value;
    double *times, begun = 0, seconds;
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_t *rk;
    rd_kafka_topic_t *rkt;

    set(conf, "linger.ms", "0");
    set(conf, "acks", "all");
    for (i = 1; i + 1 < argc; i += 2) {
        char *given = argv[i + 1], *equals;
        if (strcmp(argv[i], "-b") == 0) set(conf, "bootstrap.servers", given);
        else if (strcmp(argv[i], "-t") == 0) topic = given;
        else if (strcmp(argv[i], "-c") == 0) messages = atol(given);
        else if (strcmp(argv[i], "-w") == 0) warm_up = atol(given);
        else if (strcmp(argv[i], "-s") == 0) size = atol(given);
        else if (strcmp(argv[i], "-X") == 0 && (equals = strchr(given, '=')) != NULL) {
            *equals = '\0';
            set(conf, given, equals + 1);
        } else fail(argv[i], "unknown argument");
    }
    if (i < argc) fail(argv[i], "its value is missing");
    if (topic == NULL || messages < 1 || warm_up < 0 || size < 0) fail("usage", "-b host:port -t topic [-c messages]");

    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
    if (rk == NULL) fail("rd_kafka_new", why);
    rkt = rd_kafka_topic_new(rk, topic, NULL);
    value = malloc(size + 1);
    times = malloc(messages * sizeof(*times));
    memset(value, 'v', size);

    for (i = -warm_up; i < messages; i++) {
        double start = milliseconds();
        if (i == 0) begun = start;
        delivered = 0;
        /* 10,000 different keys, as in the other clients' run. */
        snprintf(key, sizeof(key), "k%04ld", (i + warm_up) % 10000);
        if (rd_kafka_produce(rkt, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, value, size, key, 5, NULL) == -1)
            fail("rd_kafka_produce", rd_kafka_err2str(rd_kafka_last_error()));
        while (!delivered) rd_kafka_poll(rk, 1000);
        if (outcome) fail("delivery", rd_kafka_err2str(outcome));
        if (i >= 0) times[i] = milliseconds() - start;
    }
    seconds = (milliseconds() - begun) / 1e3;

    qsort(times, messages, sizeof(*times), ascending);
    printf("{\"messages\":%ld,\"seconds\":%.6f,\"p50\":%.4f,\"p99\":%.4f}\n", messages, seconds,
           times[messages / 2], times[(long)(messages * 0.99)]);

    rd_kafka_topic_destroy(rkt);
    rd_kafka_destroy(rk);
    free(times);
    free(value);
    return 0;
}
