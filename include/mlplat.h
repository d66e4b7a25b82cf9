/** The whole public interface of libmlplat. */
#ifndef MLPLAT_H
#define MLPLAT_H
#include <mlplat/arrow.h>
#include <mlplat/artifacts.h>
#include <mlplat/component.h>
#include <mlplat/display.h>
#include <mlplat/doc.h>
#include <mlplat/error.h>
#include <mlplat/pipelines.h>
#include <mlplat/registry.h>
#include <mlplat/session.h>
#include <mlplat/store.h>
#include <mlplat/tracking.h>
#include <mlplat/version.h>
#endif
