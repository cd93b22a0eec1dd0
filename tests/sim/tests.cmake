dumont_tests(sim unit dumont_simulator dumont_report PkgConfig::CJSON)

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
