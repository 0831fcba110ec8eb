# Why: one call declares a room. Its sources, unit tests and benchmarks lie side by side and are found by name
# (foo.cpp, foo_test.cpp, foo_benchmark.cpp); its include root is its own folder, so that a forbidden include does not compile.

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1")
set(CMAKE_C_FLAGS_RELEASE "-O2 -g1")

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_NOHASHDIR=1 CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} ${CCACHE})
endif()
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)

add_compile_options(-Wall -Wextra -Wshadow -Wno-missing-field-initializers -Werror=return-type -Werror=unused-result
                    -Werror=switch -fno-strict-aliasing -fstack-protector-strong -ffile-prefix-map=${CMAKE_SOURCE_DIR}/=)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  add_compile_options(-Wno-gnu-statement-expression)
  add_link_options(-fuse-ld=lld)
endif()
add_link_options(-Wl,--gc-sections)
option(PHALA_FUZZ "Build the fuzz targets (tests/fuzz) and nothing else" OFF)
if(PHALA_FUZZ)
  # -O1: built in two thirds of the time, and runs nearly as fast under the sanitizers
  set(CMAKE_CXX_FLAGS_RELEASE "-O1 -g1")
  set(CMAKE_C_FLAGS_RELEASE "-O1 -g1")
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(PHALA_SANITIZE STREQUAL "thread")
  # threads meet as well without optimisation, and the build takes half as long
  set(CMAKE_CXX_FLAGS_RELEASE "-O0 -g1")
  set(CMAKE_C_FLAGS_RELEASE "-O0 -g1")
endif()
if(PHALA_SANITIZE)
  add_compile_options(-fsanitize=${PHALA_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${PHALA_SANITIZE})
endif()

option(PHALA_BENCHMARKS "Also build what measures (target `benchmarks`)" OFF)
if(PHALA_BENCHMARKS)
  add_custom_target(benchmarks)
endif()

enable_testing()
find_package(GTest REQUIRED)
include(GoogleTest)

# phala_room(<name> SOURCES <relative .cpp…> [USES <targets…>] [PRIVATE_USES <targets…>] [TEST_USES <targets…>] [OPTIMISED_TESTS])
# Declares library <name> with include root = the current folder, and <name>_test from every *_test.cpp beneath it.
function(phala_room name)
  cmake_parse_arguments(ARG "OPTIMISED_TESTS" "" "SOURCES;USES;PRIVATE_USES;TEST_USES" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_include_directories(${name} PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(${name} PUBLIC ${ARG_USES} PRIVATE ${ARG_PRIVATE_USES})
  file(GLOB_RECURSE tests CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*_test.cpp)
  if(tests)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE ${name} ${ARG_TEST_USES} GTest::gtest_main)
    target_compile_definitions(${name}_test PRIVATE PHALA_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
    # What they test is optimised. They themselves compile in 60 % of the time without it, and run about as fast unless they compute much in
    # inline functions (OPTIMISED_TESTS). With sanitizers, the build's own level holds for both.
    if(NOT PHALA_SANITIZE AND NOT ARG_OPTIMISED_TESTS)
      target_compile_options(${name}_test PRIVATE -O0)
    endif()
    add_test(NAME ${name} COMMAND ${name}_test)
    # `lib_tests`, `worker_tests` …: those of all rooms of a folder
    file(RELATIVE_PATH place ${CMAKE_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
    string(REGEX REPLACE "/.*" "" place ${place})
    if(NOT TARGET ${place}_tests)
      add_custom_target(${place}_tests)
    endif()
    add_dependencies(${place}_tests ${name}_test)
  endif()
  file(GLOB_RECURSE benchmarks CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*_benchmark.cpp)
  if(benchmarks AND PHALA_BENCHMARKS)
    find_package(benchmark REQUIRED)
    add_executable(${name}_benchmark EXCLUDE_FROM_ALL ${benchmarks})
    target_link_libraries(${name}_benchmark PRIVATE ${name} benchmark::benchmark_main)
    add_dependencies(benchmarks ${name}_benchmark)
  endif()
endfunction()

# Boost's headers (Asio, Beast; no Boost library is linked): the system's, or those that scripts/setup.sh unpacked where the
# system's packages stand in the way.
add_library(phala_boost INTERFACE)
unset(PHALA_CACHE CACHE)   # earlier builds remembered it
include(PhalaCache)
if(EXISTS ${PHALA_CACHE}/boost-1.81/include/boost/version.hpp)
  target_include_directories(phala_boost SYSTEM BEFORE INTERFACE ${PHALA_CACHE}/boost-1.81/include)
endif()
target_link_libraries(phala_boost INTERFACE Threads::Threads)
