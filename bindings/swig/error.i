/* Errors are exceptions; mlplat_status_name gives them their words. */
%ignore mlplat_status_name;
%include <mlplat/error.h>
%include <mlplat/version.h>
