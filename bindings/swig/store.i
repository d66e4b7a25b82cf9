BLOCKING(mlplat_store_create)
%include <mlplat/store.h>
