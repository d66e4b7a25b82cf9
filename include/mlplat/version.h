/** The version of the headers and of the library that is loaded. */
#ifndef MLPLAT_VERSION_H
#define MLPLAT_VERSION_H
#include <mlplat/error.h>
#ifdef __cplusplus
extern "C" {
#endif

#define MLPLAT_VERSION_MAJOR 0
#define MLPLAT_VERSION_MINOR 1
#define MLPLAT_VERSION_PATCH 0

/** The loaded library's version, "0.1.0". Lent, lives for ever. Any thread. */
MLPLAT_API const char *mlplat_version(void);

#ifdef __cplusplus
}
#endif
#endif
