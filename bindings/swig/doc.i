/* Documents cross as JSON text, so getters by path are the language's own. */
%ignore mlplat_doc_type_at;
%ignore mlplat_doc_string;
%ignore mlplat_doc_int;
%ignore mlplat_doc_double;
%ignore mlplat_doc_bool;
%ignore mlplat_doc_size;
%ignore mlplat_doc_key;
%ignore mlplat_doc_at;
%include <mlplat/doc.h>
