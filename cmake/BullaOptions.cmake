# Flags every Bulla target is built with. Warnings are errors; release builds are
# hardened and keep their assertions (style rule 4).
add_library(bulla_options INTERFACE)
target_compile_options(bulla_options INTERFACE
  -Wall -Wextra -Wpedantic -Werror -Wshadow -Wnon-virtual-dtor -Wold-style-cast
  -Wcast-align -Woverloaded-virtual -Wdouble-promotion -Wformat=2
  -Wimplicit-fallthrough -fstack-protector-strong -fno-plt)
target_include_directories(bulla_options INTERFACE ${CMAKE_SOURCE_DIR}/src)
target_compile_definitions(bulla_options INTERFACE
  BULLA_VERSION="${PROJECT_VERSION}"
  BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_REGEX)
target_link_options(bulla_options INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack)

if(CMAKE_BUILD_TYPE STREQUAL "Release")
  # With assertions: NDEBUG is never defined.
  set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1")
  target_compile_definitions(bulla_options INTERFACE _GLIBCXX_ASSERTIONS)
  target_compile_options(bulla_options INTERFACE -D_FORTIFY_SOURCE=2)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND
     CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    # False alarms of g++ 12 when it inlines std::string (GCC 105329, 105651).
    target_compile_options(bulla_options INTERFACE -Wno-restrict
      -Wno-stringop-overflow)
  endif()
endif()

if(BULLA_SANITIZE STREQUAL "address")
  target_compile_options(bulla_options INTERFACE
    -fsanitize=address,undefined -fno-sanitize-recover=all
    -fno-omit-frame-pointer)
  target_link_options(bulla_options INTERFACE -fsanitize=address,undefined)
  target_compile_definitions(bulla_options INTERFACE BULLA_SANITIZED=1)
elseif(BULLA_SANITIZE STREQUAL "thread")
  target_compile_options(bulla_options INTERFACE -fsanitize=thread
    -fno-omit-frame-pointer)
  target_link_options(bulla_options INTERFACE -fsanitize=thread)
  target_compile_definitions(bulla_options INTERFACE BULLA_SANITIZED=1)
endif()
if(BULLA_SANITIZE AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # Instrumented code makes g++ take an empty std::optional for an unset one.
  target_compile_options(bulla_options INTERFACE -Wno-maybe-uninitialized)
endif()
if(BULLA_FUZZ)
  target_compile_options(bulla_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

find_program(MOLD mold)
if(MOLD)
  target_link_options(bulla_options INTERFACE -fuse-ld=mold)
endif()
find_program(CCACHE ccache)
if(CCACHE)
  # Paths relative to the checkout, so that another clone finds the same objects.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
    CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
    CCACHE_SLOPPINESS=time_macros ${CCACHE})
endif()

# The date that `status` shows: of the commit, so that builds are reproducible.
execute_process(COMMAND git -C ${CMAKE_SOURCE_DIR} log -1 --format=%cd
                        --date=format-local:%Y-%m-%dT%H:%M:%SZ
                OUTPUT_VARIABLE BULLA_BUILD_DATE OUTPUT_STRIP_TRAILING_WHITESPACE
                ERROR_QUIET)
if(BULLA_BUILD_DATE AND CMAKE_BUILD_TYPE STREQUAL "Release")
  set_source_files_properties(${CMAKE_SOURCE_DIR}/src/server/sys/status_body.cc
    PROPERTIES COMPILE_DEFINITIONS BULLA_BUILD_DATE="${BULLA_BUILD_DATE}")
endif()
