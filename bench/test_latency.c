/* Quantiles: any value comes back within 1.6 %, and ranks are where they belong. */
#include "latency.h"

#include "tap.h"

static bool near(double got, double want)
{
    double off = got > want ? got - want : want - got;
    return off <= want * 0.016 + 0.5;
}

static void test_values(void)
{
    static const int64_t values[] = {
        0, 1, 63, 64, 65, 127, 128, 1000, 1000000, 999999999, 123456789, 4294967296, 20000000000};

    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        struct cs_latency latency = {0};
        cs_latency_add(&latency, values[i]);
        double got = cs_latency_quantile(&latency, 0.5);
        tap_ok(near(got, (double)values[i]), "%" PRId64 " ns comes back as %.1f", values[i], got);
    }
}

static void test_ranks(void)
{
    static const double shares[] = {0.01, 0.5, 0.99, 0.999, 1};
    struct cs_latency latency = {0};

    for (int64_t i = 1; i <= 1000; i++)
        cs_latency_add(&latency, i * 1000);
    for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++)
        tap_ok(near(cs_latency_quantile(&latency, shares[i]), shares[i] * 1000000),
               "the %.1f %% quantile", 100 * shares[i]);
}

int main(void)
{
    static const struct cs_latency empty;

    test_values();
    test_ranks();
    tap_ok(cs_latency_quantile(&empty, 0.5) == 0, "nothing recorded");
    return tap_done();
}
