dumont_tests(sim unit dumont_simulator dumont_report PkgConfig::CJSON)

# A million runs, one after the other; the first thousand also in every suite.
add_executable(sim_soak sim/soak.c)
target_compile_definitions(sim_soak PRIVATE DUMONT_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
target_include_directories(sim_soak PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(sim_soak PRIVATE dumont_options dumont_simulator dumont_report PkgConfig::CJSON cmocka)
add_test(NAME sim_soak_short COMMAND sim_soak 1000)
set_tests_properties(sim_soak_short PROPERTIES LABELS unit TIMEOUT 300)
add_test(NAME sim_soak_million COMMAND sim_soak 1000000)
set_tests_properties(sim_soak_million PROPERTIES LABELS slow TIMEOUT 3600)

# Each scenario states what must be true of it.
file(GLOB scenarios CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/scenarios/*.json)
foreach(scenario ${scenarios})
  get_filename_component(name ${scenario} NAME_WE)
  add_test(NAME scenario_${name} COMMAND dumont-sim run ${scenario} --expect --quiet)
  set_tests_properties(scenario_${name} PROPERTIES LABELS scenario TIMEOUT 60)
endforeach()

# The examples of the README are what the program prints today.
add_test(NAME example_is_current
  COMMAND ${CMAKE_COMMAND} -E env sh -c "cd '${PROJECT_SOURCE_DIR}' && '$<TARGET_FILE:dumont-sim>' run scenarios/seed-run.json | cmp - docs/example/report.txt")
set_tests_properties(example_is_current PROPERTIES LABELS scenario TIMEOUT 60)
