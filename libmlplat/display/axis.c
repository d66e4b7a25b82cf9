#include "display/axis.h"
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

double mlp_axis_log(double value)
{
    return value > 0 ? log10(value) : (double)NAN;
}

mlp_axis mlp_axis_make(mlp_axis_kind kind, double low, double high, double margin, double from, double to)
{
    mlp_axis axis = {.kind = kind, .from = from, .to = to};
    if (!(low <= high)) {
        low = 0;
        high = 1;
    }
    double half = high / 2 - low / 2;
    double least = kind == MLP_AXIS_NUMBER ? fmax(fabs(low), fabs(high)) * 1e-12 : 0;
    if (half <= least) {
        double around = kind == MLP_AXIS_NUMBER ? fmax(fabs(low) / 2, 0.5) : kind == MLP_AXIS_LOG ? 0.5 : 500;
        low -= around;
        high += around;
    } else {
        low -= half * 2 * margin;
        high += half * 2 * margin;
    }
    axis.low = fmax(low, -1.7e308);
    axis.high = fmin(high, 1.7e308);
    axis.scale = (to - from) / (axis.high / 2 - axis.low / 2);
    return axis;
}

/* ---- labels ------------------------------------------------------------------------------------------------------ */

static void label_number(char *out, size_t n, double value, double step, double largest)
{
    static const char suffix[] = {0, 'k', 'M', 'G'};
    int k = 0;
    if (fabs(value) < step / 1000)
        value = 0;
    if (largest >= 1e13 || largest < 1e-4) {
        snprintf(out, n, "%.4g", value);
    } else {
        for (; largest >= 1e4 && k < 3; k++) {
            largest /= 1000;
            value /= 1000;
            step /= 1000;
        }
        int decimals = step >= 1 ? 0 : (int)ceil(-log10(step) - 1e-9);
        snprintf(out, n, "%.*f%.1s", decimals > 9 ? 9 : decimals, value, value != 0 && k ? &suffix[k] : "");
    }
    for (char *p = out; *p; p++)
        if (*p == ',')
            *p = '.'; /* the locale's */
}

static void label_elapsed(char *out, size_t n, double ms, double step)
{
    long long s = llround(fmin(ms, 1e15) / 1000), d = s / 86400, h = s / 3600 % 24, m = s / 60 % 60;
    if (step < 1000 && ms < 1000)
        snprintf(out, n, "%.0f ms", ms + 0.0 == 0 ? 0 : ms);
    else if (step < 1000)
        snprintf(out, n, "%.*f s", step < 10 ? 3 : step < 100 ? 2 : 1, ms / 1000);
    else if (step < 60000)
        snprintf(out, n, s < 60 ? "%llds" : "%lldm %llds", s < 60 ? s : s / 60, s % 60);
    else if (step < 3600000)
        snprintf(out, n, s < 3600 ? "%lldm" : "%lldh %lldm", s < 3600 ? m : s / 3600, m);
    else
        snprintf(out, n, d == 0 ? "%lldh" : h ? "%lldd %lldh" : "%lldd", d == 0 ? h : d, h);
}

static void label_clock(char *out, size_t n, double ms, double step)
{
    struct tm tm;
    int64_t whole = (int64_t)fmax(fmin(ms, 8e15), -8e15);
    time_t seconds = (time_t)(whole >= 0 ? whole / 1000 : -((999 - whole) / 1000));
    bool midnight;
    out[0] = 0;
    if (!gmtime_r(&seconds, &tm))
        return;
    midnight = tm.tm_hour == 0 && tm.tm_min == 0 && tm.tm_sec == 0;
    if (step < 1000) {
        size_t used = strftime(out, n, "%H:%M:%S", &tm);
        snprintf(out + used, n - used, ".%03d", (int)(whole - (int64_t)seconds * 1000));
    } else if (step >= 86400000.0 * 360)
        strftime(out, n, "%b %Y", &tm);
    else if (step >= 86400000.0 || midnight)
        strftime(out, n, "%b %d", &tm);
    else
        strftime(out, n, step < 60000 ? "%H:%M:%S" : "%H:%M", &tm);
}

/* ---- steps ------------------------------------------------------------------------------------------------------- */

static double round_step(double least)
{
    double power = pow(10, floor(log10(least)));
    double times = least / power;
    return (times <= 1 ? 1 : times <= 2 ? 2 : times <= 5 ? 5 : 10) * power;
}

static double time_step(double least)
{
    static const double seconds[] = {1,     2,     5,      10,     15,      30,      60,      120,
                                     300,   600,   900,    1800,   3600,    7200,    10800,   21600,
                                     43200, 86400, 172800, 604800, 1209600, 2592000, 7776000, 15552000};
    if (least <= 500)
        return round_step(fmax(least, 1));
    for (size_t i = 0; i < sizeof seconds / sizeof seconds[0]; i++)
        if (seconds[i] * 1000 >= least)
            return seconds[i] * 1000;
    return round_step(least / (365 * 86400e3)) * 365 * 86400e3;
}

static void put_label(const mlp_axis *axis, double value, double step, double largest, mlp_tick *out)
{
    out->at = mlp_axis_at(axis, value);
    if (axis->kind == MLP_AXIS_ELAPSED)
        label_elapsed(out->label, sizeof out->label, value, step);
    else if (axis->kind == MLP_AXIS_CLOCK)
        label_clock(out->label, sizeof out->label, value, step);
    else if (axis->kind == MLP_AXIS_LOG)
        snprintf(out->label, sizeof out->label, "%.4g", pow(10, value));
    else
        label_number(out->label, sizeof out->label, value, step, largest);
}

/* Of a logarithmic axis that shows little more than a power: 1, 2 and 5 of each. */
static size_t few_powers(const mlp_axis *axis, mlp_tick out[MLP_AXIS_TICKS])
{
    static const double of[] = {0, 0.30102999566398120, 0.69897000433601880};
    size_t n = 0;
    for (int power = (int)floor(axis->low); power <= axis->high; power++) /* of doubles: -324 to 309 */
        for (int i = 0; i < 3 && n < MLP_AXIS_TICKS; i++)
            if (power + of[i] >= axis->low && power + of[i] <= axis->high)
                put_label(axis, power + of[i], 1, 1, &out[n++]);
    return n;
}

size_t mlp_axis_ticks(const mlp_axis *axis, int wanted, mlp_tick out[MLP_AXIS_TICKS])
{
    size_t n = 0;
    wanted = wanted < 2 ? 2 : wanted > MLP_AXIS_TICKS - 4 ? MLP_AXIS_TICKS - 4 : wanted;
    double span = axis->high - axis->low, least = (axis->high / wanted - axis->low / wanted);
    if (axis->kind == MLP_AXIS_LOG && span < 2.5 && span > 0.4)
        return few_powers(axis, out);
    double step = axis->kind == MLP_AXIS_LOG && span > 2 ? fmax(1, ceil(least))
                  : axis->kind >= MLP_AXIS_ELAPSED       ? time_step(least)
                                                         : round_step(least);
    double largest = fmax(fabs(axis->low), fabs(axis->high)), first = ceil(axis->low / step - 1e-9);
    while (n < MLP_AXIS_TICKS) {
        double i = first + (double)n;
        if (i * step > axis->high + step * 1e-9)
            break;
        put_label(axis, i * step, step, largest, &out[n++]);
        if (i + 1 == i)
            break; /* values so large that their steps are none */
    }
    return n;
}
