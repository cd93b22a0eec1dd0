# What crosses sockets: the same story as in virtual time, and the failure matrix.
find_program(DUMONT_PYTHON NAMES python3 PATHS /usr/bin NO_DEFAULT_PATH)
if(DUMONT_PYTHON)
  set(wire ${CMAKE_CURRENT_SOURCE_DIR}/wire)
  add_test(NAME wire_parity_self_test COMMAND ${DUMONT_PYTHON} -B ${wire}/parity.py --self-test)
  add_test(NAME wire_parity COMMAND ${DUMONT_PYTHON} -B ${wire}/parity.py ${PROJECT_SOURCE_DIR}
           $<TARGET_FILE:dumont> $<TARGET_FILE:dumont-fake> $<TARGET_FILE:dumont-sim>)
  set_tests_properties(wire_parity wire_parity_self_test PROPERTIES LABELS wire TIMEOUT 600)
  foreach(group Access BadReplies Faults Moments Secrets)
    add_test(NAME wire_failures_${group} COMMAND ${DUMONT_PYTHON} -B ${wire}/failures.py ${group}
             $<TARGET_FILE:dumont> $<TARGET_FILE:dumont-fake>)
    set_tests_properties(wire_failures_${group} PROPERTIES LABELS wire TIMEOUT 600)
  endforeach()
endif()
