/* The suite of every tracking store, on SQLite. */
#include "contract/tracking_contract.h"

int main(void)
{
    return tracking_contract_run("tracking on sqlite", test_open);
}
