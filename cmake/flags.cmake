# How our code is made: mlplat_flags for all of it, generated code too; mlplat_compile for what is written by hand.
include(CheckCCompilerFlag)
include(CheckLinkerFlag)
include(CheckPIESupported)
check_pie_supported()
add_library(mlplat_flags INTERFACE)
add_library(mlplat_compile INTERFACE)

function(mlplat_flag flag)
  string(MAKE_C_IDENTIFIER "MLPLAT_HAS${flag}" known)
  check_c_compiler_flag(${flag} ${known})
  if(${known})
    target_compile_options(mlplat_flags INTERFACE ${flag})
  endif()
endfunction()

function(mlplat_link_flag flag)
  string(MAKE_C_IDENTIFIER "MLPLAT_LINKS${flag}" known)
  check_linker_flag(C ${flag} ${known})
  if(${known})
    target_link_options(mlplat_flags INTERFACE ${flag})
  endif()
endfunction()

# -O3, which is CMake's choice, makes the library 5 % larger and logging no faster. The minimal profile is for size.
if(MLPLAT_PROFILE STREQUAL "minimal")
  string(REGEX REPLACE "-O[23]" "-Oz" CMAKE_C_FLAGS_RELEASE "${CMAKE_C_FLAGS_RELEASE}")
else()
  string(REPLACE "-O3" "-O2" CMAKE_C_FLAGS_RELEASE "${CMAKE_C_FLAGS_RELEASE}")
endif()

# What nobody calls is left out, and no path of the machine that built it is inside.
function(mlplat_release_flags)
  target_compile_options(mlplat_flags INTERFACE -ffunction-sections -fdata-sections
    -ffile-prefix-map=${PROJECT_SOURCE_DIR}=. -ffile-prefix-map=${PROJECT_BINARY_DIR}=build)
  mlplat_link_flag(-Wl,--gc-sections)
  if(MLPLAT_PROFILE STREQUAL "minimal") # one debugs with the whole library
    target_compile_options(mlplat_flags INTERFACE -fno-asynchronous-unwind-tables -fno-unwind-tables)
    mlplat_flag(-fno-move-loop-invariants) # half a percent
    mlplat_flag(-fno-tree-loop-im)
    # The shared library is optimised as one: 4 % smaller. Objects hold plain code too, for whoever links the static one.
    check_c_compiler_flag("-flto -ffat-lto-objects" MLPLAT_HAS_fat_lto)
    if(MLPLAT_HAS_fat_lto)
      target_compile_options(mlplat_flags INTERFACE -flto=auto -ffat-lto-objects)
      target_link_options(mlplat_flags INTERFACE
        $<IF:$<STREQUAL:$<TARGET_PROPERTY:TYPE>,SHARED_LIBRARY>,-flto-partition=one,-fno-lto>)
    endif()
  endif()
endfunction()

# tests/platforms/test_hardening.py looks whether it is so in what comes out.
function(mlplat_hardening)
  target_compile_options(mlplat_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
  foreach(flag IN ITEMS -fstack-protector-strong -fstack-clash-protection -fcf-protection -mbranch-protection=standard)
    mlplat_flag(${flag})
  endforeach()
endfunction()

# 30 to 50 KB less. glibc's loader knows them since 2.36, which is asked for here; musl's of Debian 12 does not. Linkers
# that cannot make them for a processor say that they ignore it.
include(CheckCSourceCompiles)
set(CMAKE_REQUIRED_LINK_OPTIONS -Wl,-z,pack-relative-relocs)
check_c_source_compiles("#include <features.h>
#if !__GLIBC_PREREQ(2, 36)
#error
#endif
int main(void) { return 0; }" MLPLAT_PACKS_RELOCATIONS FAIL_REGEX "ignored")
unset(CMAKE_REQUIRED_LINK_OPTIONS)

if(MLPLAT_SANITIZE)
  target_compile_options(mlplat_flags INTERFACE -fsanitize=${MLPLAT_SANITIZE} -fno-sanitize-recover=all -g)
  target_link_options(mlplat_flags INTERFACE -fsanitize=${MLPLAT_SANITIZE})
elseif(CMAKE_BUILD_TYPE MATCHES "^(Release|RelWithDebInfo|MinSizeRel)$")
  mlplat_release_flags()
  mlplat_hardening()
endif()
if(MLPLAT_FUZZ)
  target_compile_options(mlplat_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
foreach(flag IN ITEMS -Wl,-z,relro,-z,now -Wl,-z,noexecstack)
  mlplat_link_flag(${flag})
endforeach()
target_compile_options(mlplat_flags INTERFACE -fvisibility=hidden
  $<$<NOT:$<STREQUAL:${MLPLAT_PROFILE},minimal>>:-fno-omit-frame-pointer>)
target_compile_features(mlplat_flags INTERFACE c_std_11)
target_link_libraries(mlplat_flags INTERFACE Threads::Threads)

target_link_libraries(mlplat_compile INTERFACE mlplat_flags)
target_compile_definitions(mlplat_compile INTERFACE _GNU_SOURCE MLPLAT_VERSION_TEXT="${PROJECT_VERSION}"
  ${MLPLAT_PROFILE_DEFINES})
target_compile_options(mlplat_compile INTERFACE -Wall -Wextra -Wconversion -Wsign-conversion -Wshadow -Wundef
  -Wstrict-prototypes -Wmissing-prototypes $<$<BOOL:${MLPLAT_WERROR}>:-Werror>)
