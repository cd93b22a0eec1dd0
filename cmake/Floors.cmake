# One static library a folder. The LINKS list is the folder's floor: what it may stand on, and nothing else.

add_library(dumont_options INTERFACE)
target_compile_definitions(dumont_options INTERFACE _POSIX_C_SOURCE=200809L _XOPEN_SOURCE=700 _DEFAULT_SOURCE)
target_compile_options(dumont_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes -Wmissing-prototypes
  -Wvla -Wformat=2 -fno-common -ffp-contract=off
  $<$<BOOL:${DUMONT_WERROR}>:-Werror>
  $<$<BOOL:${DUMONT_SANITIZE}>:-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer>
  $<$<BOOL:${DUMONT_COVERAGE}>:--coverage>)
target_link_options(dumont_options INTERFACE
  $<$<BOOL:${DUMONT_SANITIZE}>:-fsanitize=address,undefined>
  $<$<BOOL:${DUMONT_COVERAGE}>:--coverage>)

# dumont_library(NAME [LINKS lib…]): every .c file of this folder (not of its sub-folders), as library NAME.
function(dumont_library name)
  cmake_parse_arguments(ARG "" "" "LINKS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.c)
  list(FILTER sources EXCLUDE REGEX "/main\\.c$")
  add_library(${name} STATIC ${sources})
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE dumont_options PUBLIC ${ARG_LINKS})
endfunction()

# dumont_tests(FOLDER LABEL lib…): one cmocka program for each test_*.c of FOLDER; run by the command in the variable
# <its name>_LAUNCHER, where there is one.
function(dumont_tests folder label)
  file(GLOB tests CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/test_*.c)
  foreach(source ${tests})
    get_filename_component(name ${source} NAME_WE)
    string(REPLACE "/" "_" prefix ${folder})
    string(REGEX REPLACE "^test_" "${prefix}_" name ${name})
    add_executable(${name} ${source})
    target_compile_definitions(${name} PRIVATE DUMONT_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
    target_include_directories(${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
    target_link_libraries(${name} PRIVATE dumont_options ${ARGN} cmocka)
    add_test(NAME ${name} COMMAND ${${name}_LAUNCHER} $<TARGET_FILE:${name}>)
    set_tests_properties(${name} PROPERTIES LABELS ${label} TIMEOUT 300)
  endforeach()
endfunction()
