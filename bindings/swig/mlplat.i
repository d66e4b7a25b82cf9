/* One extension for the whole library: the headers are the only source of truth. */
%module mlplat

%include "common.i"
#ifdef SWIGPYTHON
%include "python.i"
#endif
#ifdef SWIGGO
%include "go.i"
#endif

%include "error.i"
%include "doc.i"
%include "session.i"
%include "artifacts.i"
%include "tracking.i"
%include "registry.i"
%include "store.i"
%include "pipelines.i"
%include "component.i"
%include "display.i"
