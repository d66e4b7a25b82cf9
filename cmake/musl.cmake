# For musl on a machine with glibc: cmake --toolchain cmake/musl.cmake -DMLPLAT_SYSROOT=<prefix with the libraries built
# for musl>. What it makes runs here too, if musl is installed.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR ${CMAKE_HOST_SYSTEM_PROCESSOR})
set(CMAKE_C_COMPILER musl-gcc)
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES MLPLAT_SYSROOT)
set(ENV{PKG_CONFIG_LIBDIR} ${MLPLAT_SYSROOT}/lib/pkgconfig)
