/* Rules of every module and language. */
%include <stdint.i>

%{
#include <mlplat.h>
#include <string.h>
%}

/* Structs, enumerations and constants stay in C: options are arguments, choices are words. */
%rename("$ignore", %$isclass) "";
%rename("$ignore", %$isenum) "";
%rename("$ignore", %$isenumitem) "";
%rename("$ignore", %$isvariable) "";
%rename("$ignore", %$isconstant) "";
%rename("%(strip:[mlplat_])s", %$isfunction) "";

/* What each language opens in its own way, and memory that never leaves C. */
%ignore mlplat_open;
%ignore mlplat_set_allocator;

/* Functions of the language that take the place of one of the header: the header's name, less its prefix. */
%define REPLACED(name)
%ignore name;
%enddef

/* Text that may be left out; in shims only, headers say so by the argument's name (see the language's typemaps). */
%{
typedef const char *optional_text;
typedef const char *optional_path;
%}
typedef const char *optional_text;
typedef const char *optional_path;

/* Calls keep the interpreter's lock unless a module lists them as blocking. */
#ifdef SWIGPYTHON
%define BLOCKING(name)
%thread name;
%enddef
%nothread;
#else
%define BLOCKING(name)
%enddef
#endif
