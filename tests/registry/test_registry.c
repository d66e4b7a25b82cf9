/* The suites of every registry, on SQLite. */
#include "contract/registry_contract.h"

int main(void)
{
    return registry_contract_run("registry on sqlite", test_open) +
           promotion_contract_run("promotion on sqlite", test_open) +
           prompts_contract_run("prompts on sqlite", test_open);
}
