BLOCKING(store_create)
REPLACED(mlplat_store_create)
REPLACED(mlplat_store_upgrade)
BLOCKING(store_upgrade)
%include <mlplat/store.h>

%inline %{
static mlplat_status store_create(mlplat *ml, optional_text mlflow, mlplat_doc **out, mlplat_error *err)
{
    mlplat_store_options o = MLPLAT_STORE_OPTIONS_INIT;
    o.mlflow = mlflow;
    return mlplat_store_create(ml, &o, out, err);
}

static mlplat_status store_upgrade(mlplat *ml, optional_text to, mlplat_doc **out, mlplat_error *err)
{
    return mlplat_store_upgrade(ml, to, out, err);
}
%}
