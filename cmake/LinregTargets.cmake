# How linreg's own targets are made: one line a library, one line a test.

# linreg_precompile_torch(targets...)
#   One precompiled header for every target that includes LibTorch: parsing it costs more than the rest of most files.
#   It holds what the demos use; all of <torch/torch.h> would be 630 MB instead of 450.
function(linreg_precompile_torch)
  if(NOT TARGET linreg_precompiled_torch)
    set(source ${PROJECT_BINARY_DIR}/precompiled_torch.cpp)
    file(CONFIGURE OUTPUT ${source} CONTENT "")
    add_library(linreg_precompiled_torch OBJECT ${source})
    target_compile_features(linreg_precompiled_torch PUBLIC cxx_std_20)
    target_compile_options(linreg_precompiled_torch PRIVATE -fPIC)
    target_link_libraries(linreg_precompiled_torch PUBLIC LibTorch::LibTorch)
    target_precompile_headers(linreg_precompiled_torch PRIVATE
      <torch/types.h> <torch/nn/modules/container/sequential.h> <torch/nn/modules/linear.h> <torch/optim/sgd.h>)
  endif()
  foreach(target IN LISTS ARGV)
    target_compile_options(${target} PRIVATE -fPIC)  # as the libraries: a precompiled header serves no other code
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
  set_target_properties(linreg_${name} PROPERTIES EXPORT_NAME ${name} VERIFY_INTERFACE_HEADER_SETS ON
                                               POSITION_INDEPENDENT_CODE ON)  # for shared libraries that link it
  target_compile_features(linreg_${name} PUBLIC cxx_std_20)
  file(GLOB_RECURSE headers ${CMAKE_CURRENT_SOURCE_DIR}/${name}/include/*.hpp)
  target_sources(linreg_${name} PUBLIC FILE_SET HEADERS BASE_DIRS ${name}/include FILES ${headers})
  target_link_libraries(linreg_${name} PUBLIC ${arg_USES})
endfunction()

# linreg_allocator(program)
#   Its memory comes from gperftools: a step of training allocates dozens of small tensors and nodes of autograd, and
#   glibc's malloc is slow at those that must be aligned, and gives large ones back to the system between two batches.
function(linreg_allocator program)
  if(LINREG_TCMALLOC)
    target_link_options(${program} PRIVATE LINKER:--no-as-needed)
    target_link_libraries(${program} PRIVATE ${LINREG_TCMALLOC_LIBRARY})
  endif()
endfunction()

# linreg_test(name USES targets... [SHARDS count] [LEAKS_IN_LIBTORCH])
#   The tests of tests/<name>_test.cpp: one CTest entry, or of a slow file several, which run beside each other. They
#   compare with the Python of LibTorch's wheel, if it is one. Where LibTorch itself leaks, the leak sanitizer knows that
#   leak by name, for which it walks each stack by its tables, slowly: LibTorch has no frame pointers.
function(linreg_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "LEAKS_IN_LIBTORCH" "SHARDS" "USES")
  add_executable(${name}_test ${name}_test.cpp)
  target_link_libraries(${name}_test PRIVATE ${arg_USES} linreg_test_support GTest::gtest_main)
  # Threads that wait for each other sleep: the other tests need the processors.
  set(environment "LINREG_TEST_PYTHON=${LibTorch_PYTHON}" OMP_WAIT_POLICY=passive)
  if(arg_LEAKS_IN_LIBTORCH)
    list(APPEND environment ${LINREG_ENVIRONMENT_OF_LEAKS})
  endif()
  if(NOT arg_SHARDS)
    set(arg_SHARDS 1)
  endif()
  foreach(shard RANGE 1 ${arg_SHARDS})
    set(test ${name})
    if(arg_SHARDS GREATER 1)
      set(test ${name}:${shard})
    endif()
    math(EXPR index "${shard} - 1")
    add_test(NAME ${test} COMMAND ${name}_test)
    set_tests_properties(${test} PROPERTIES TIMEOUT 1200 COST ${arg_SHARDS}
      ENVIRONMENT "${environment};GTEST_TOTAL_SHARDS=${arg_SHARDS};GTEST_SHARD_INDEX=${index}")
  endforeach()
endfunction()

set(LINREG_ENVIRONMENT_OF_LEAKS ASAN_OPTIONS=fast_unwind_on_malloc=0
    LSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/tests/lsan.supp:print_suppressions=0)
