BLOCKING(component_main)
BLOCKING(mlplat_step_session)
BLOCKING(mlplat_step_run)
REPLACED(mlplat_component_main)
%include <mlplat/component.h>

%inline %{
static int component_main(int argc, char **argv, const char *name, optional_text description, optional_text image,
                          const mlplat_port *ports, size_t n_ports, mlplat_component_fn fn, void *user)
{
    mlplat_component_def def = MLPLAT_COMPONENT_DEF_INIT;
    def.name = name;
    def.description = description;
    def.image = image;
    def.ports = ports;
    def.n_ports = n_ports;
    def.fn = fn;
    def.user = user;
    return mlplat_component_main(argc, argv, &def);
}
%}
