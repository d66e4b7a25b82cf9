/** The whole public interface of libmlplat. With MLPLAT_MINIMAL, which mlplat.pc and CMake's target define there,
 * what the minimal profile has of it: sessions, tracking without models, artifacts, documents. */
#ifndef MLPLAT_H
#define MLPLAT_H
#include <mlplat/artifacts.h>
#include <mlplat/doc.h>
#include <mlplat/error.h>
#include <mlplat/session.h>
#include <mlplat/tracking.h>
#include <mlplat/version.h>
#ifndef MLPLAT_MINIMAL
#include <mlplat/arrow.h>
#include <mlplat/component.h>
#include <mlplat/display.h>
#include <mlplat/pipelines.h>
#include <mlplat/registry.h>
#include <mlplat/store.h>
#endif
#endif
