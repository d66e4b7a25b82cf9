#include "tracking/offline.h"
#include "base/digest.h"
#include "base/text.h"
#include <string.h>

#define MARK    "0ff11e"
#define VERSION 12 /* which digit of a uuid tells its version */

bool mlp_offline_is_id(const char *run_id)
{
    return mlp_text_starts(run_id, MARK) && strspn(run_id, "0123456789abcdef") == 32 && !run_id[32] &&
           run_id[VERSION] == '8';
}

mlplat_status mlp_offline_make_id(char out[MLP_OFFLINE_ID], mlplat_error *err)
{
    mlplat_status s = mlp_random_hex(out, err);
    memcpy(out, MARK, sizeof MARK - 1);
    out[VERSION] = '8';
    return s;
}
