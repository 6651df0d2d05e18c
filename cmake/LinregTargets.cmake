# How linreg's own targets are made: one line a library, one line a test.

# linreg_precompile_torch(targets...)
#   One precompiled <torch/torch.h> for every target that includes it: parsing it costs more than the rest of most files.
function(linreg_precompile_torch)
  if(NOT TARGET linreg_precompiled_torch)
    set(source ${PROJECT_BINARY_DIR}/precompiled_torch.cpp)
    file(CONFIGURE OUTPUT ${source} CONTENT "")
    add_library(linreg_precompiled_torch OBJECT ${source})
    target_compile_features(linreg_precompiled_torch PUBLIC cxx_std_20)
    target_link_libraries(linreg_precompiled_torch PUBLIC LibTorch::LibTorch)
    target_precompile_headers(linreg_precompiled_torch PRIVATE <torch/torch.h>)
  endif()
  foreach(target IN LISTS ARGV)
    target_precompile_headers(${target} REUSE_FROM linreg_precompiled_torch)
  endforeach()
endfunction()

# linreg_library(name SOURCES names... USES targets...)
#   The library linreg::<name> of lib/<name>/src/<names>.cpp, with the headers in lib/<name>/include/linreg/<name>.
#   Building all_verify_interface_header_sets compiles each header alone.
function(linreg_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;USES")
  list(TRANSFORM arg_SOURCES REPLACE ".+" "${name}/src/\\0.cpp")
  add_library(linreg_${name} ${arg_SOURCES})
  add_library(linreg::${name} ALIAS linreg_${name})
  set_target_properties(linreg_${name} PROPERTIES EXPORT_NAME ${name} VERIFY_INTERFACE_HEADER_SETS ON)
  target_compile_features(linreg_${name} PUBLIC cxx_std_20)
  file(GLOB headers ${CMAKE_CURRENT_SOURCE_DIR}/${name}/include/linreg/${name}/*.hpp)
  target_sources(linreg_${name} PUBLIC FILE_SET HEADERS BASE_DIRS ${name}/include FILES ${headers})
  target_link_libraries(linreg_${name} PUBLIC ${arg_USES})
endfunction()

# linreg_test(name USES targets...)
#   The test <name> of tests/<name>_test.cpp, one CTest entry. Compares with the Python of LibTorch's wheel, if it is one.
function(linreg_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "USES")
  add_executable(${name}_test ${name}_test.cpp)
  target_link_libraries(${name}_test PRIVATE ${arg_USES} linreg_test_support GTest::gtest_main)
  add_test(NAME ${name} COMMAND ${name}_test)
  set(environment "LINREG_TEST_PYTHON=${LibTorch_PYTHON}"
                  "LSAN_OPTIONS=suppressions=${CMAKE_CURRENT_SOURCE_DIR}/lsan.supp:print_suppressions=0")
  set_tests_properties(${name} PROPERTIES TIMEOUT 1200 ENVIRONMENT "${environment}")
endfunction()
