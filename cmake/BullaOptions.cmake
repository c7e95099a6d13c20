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
  # -O2 with assertions: NDEBUG is never defined by our flags below.
  set(CMAKE_CXX_FLAGS_RELEASE "-O3 -g1")
  target_compile_definitions(bulla_options INTERFACE _GLIBCXX_ASSERTIONS)
  target_compile_options(bulla_options INTERFACE -D_FORTIFY_SOURCE=2)
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
if(BULLA_FUZZ)
  target_compile_options(bulla_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

find_program(MOLD mold)
if(MOLD)
  target_link_options(bulla_options INTERFACE -fuse-ld=mold)
endif()
find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()
