dumont_tests(sim unit dumont_simulator dumont_report PkgConfig::CJSON)

# Each scenario states what must be true of it.
file(GLOB scenarios CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/scenarios/*.json)
foreach(scenario ${scenarios})
  get_filename_component(name ${scenario} NAME_WE)
  add_test(NAME scenario_${name} COMMAND dumont-sim run ${scenario} --expect --quiet)
  set_tests_properties(scenario_${name} PROPERTIES LABELS scenario TIMEOUT 60)
endforeach()
