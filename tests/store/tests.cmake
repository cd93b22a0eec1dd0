# dumont store against the running fake: one ctest entry for each class of store.py.
find_program(DUMONT_PYTHON NAMES python3 PATHS /usr/bin NO_DEFAULT_PATH)
if(DUMONT_PYTHON)
  foreach(group RoundTrips Refusals Faults FaultRows Kills HundredKills Large)
    add_test(NAME store_${group}
             COMMAND ${DUMONT_PYTHON} -B ${CMAKE_CURRENT_SOURCE_DIR}/store/store.py ${group}
                     $<TARGET_FILE:dumont-fake> $<TARGET_FILE:dumont>)
    set_tests_properties(store_${group} PROPERTIES LABELS store TIMEOUT 600)
  endforeach()
  foreach(group Hardship TestModes)
    add_test(NAME store_${group}
             COMMAND ${DUMONT_PYTHON} -B ${CMAKE_CURRENT_SOURCE_DIR}/store/hardship.py ${group}
                     $<TARGET_FILE:dumont-fake> $<TARGET_FILE:dumont>)
    set_tests_properties(store_${group} PROPERTIES LABELS store TIMEOUT 600)
  endforeach()
  set_tests_properties(store_HundredKills store_Large PROPERTIES LABELS "store;slow")
  set_tests_properties(store_HundredKills PROPERTIES TIMEOUT 1800)
endif()

# The same client in virtual time.
dumont_tests(store unit dumont_simulator dumont_b2 PkgConfig::CJSON)
