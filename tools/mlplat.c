/* mlplat: the command line of libmlplat. */
#include "cli.h"
#include <string.h>

const cli_command *const cli_tables[] = {
    cli_tracking_commands,
    cli_values_commands,
    cli_media_commands,
    cli_logged_commands,
    cli_registry_commands,
    cli_prompt_commands,
    cli_webhook_commands,
    cli_model_commands,
    cli_artifacts_commands,
    cli_store_commands,
    cli_pipelines_commands,
    cli_display_commands,
    cli_session_commands,
    NULL,
};

int main(int argc, char **argv)
{
    cli c = {0};
    if (argc > 1 && strcmp(argv[1], "__complete") == 0)
        return cli_complete(argc - 2, argv + 2);
    int code = cli_parse(&c, argc, argv);
    if (code == CLI_OK && c.command)
        code = c.command->run(&c);
    mlplat_close(c.ml);
    return cli_interrupted() && !c.until_stopped ? CLI_INTERRUPTED : code;
}
