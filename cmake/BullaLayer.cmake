# bulla_target(NAME): our flags on a target.
function(bulla_target name)
  target_link_libraries(${name} PRIVATE bulla_options)
endfunction()

# bulla_layer(NAME DEPS …): the static library bulla_NAME from src/NAME/**.cc, and
# the test program test_NAME from src/NAME/**_test.cc. Files are globbed, so that
# adding an endpoint is adding its two files.
function(bulla_layer name)
  cmake_parse_arguments(ARG "" "" "DEPS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${name}/*.cc)
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$")
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  if(sources)
    add_library(bulla_${name} STATIC ${sources})
    target_link_libraries(bulla_${name} PUBLIC ${ARG_DEPS})
    bulla_target(bulla_${name})
  else()
    add_library(bulla_${name} INTERFACE)
    target_link_libraries(bulla_${name} INTERFACE ${ARG_DEPS})
  endif()
  if(BULLA_TESTS AND tests)
    add_executable(test_${name} ${tests})
    target_link_libraries(test_${name} PRIVATE bulla_${name} GTest::gmock
      GTest::gtest_main)
    bulla_target(test_${name})
    add_test(NAME ${name} COMMAND test_${name})
  endif()
endfunction()
