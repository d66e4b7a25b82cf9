%include <mlplat/error.h>
%include <mlplat/version.h>
