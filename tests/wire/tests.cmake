# What crosses sockets: the same story as in virtual time, and the failure matrix. Each runs many pairs of programs at once, at many
# times the real speed: nothing else runs beside it.
find_program(DUMONT_PYTHON NAMES python3 PATHS /usr/bin NO_DEFAULT_PATH)
if(DUMONT_PYTHON)
  set(wire ${CMAKE_CURRENT_SOURCE_DIR}/wire)
  add_test(NAME wire_parity_self_test COMMAND ${DUMONT_PYTHON} -B ${wire}/parity.py --self-test)
  add_test(NAME wire_parity COMMAND ${DUMONT_PYTHON} -B ${wire}/parity.py ${PROJECT_SOURCE_DIR}
           $<TARGET_FILE:dumont> $<TARGET_FILE:dumont-fake> $<TARGET_FILE:dumont-sim>)
  set_tests_properties(wire_parity wire_parity_self_test PROPERTIES LABELS wire TIMEOUT 600 PROCESSORS 2)
  # Long ones: the recorded times, and ten minutes of continuous runs.
  foreach(times "1;0.01;0.35" "20;0.03;0")
    list(GET times 0 speed)
    add_test(NAME wire_times_at_speed_${speed} COMMAND ${DUMONT_PYTHON} -B ${wire}/times.py ${times}
             $<TARGET_FILE:dumont> $<TARGET_FILE:dumont-fake>)
    set_tests_properties(wire_times_at_speed_${speed} PROPERTIES LABELS slow TIMEOUT 600 RUN_SERIAL ON)
  endforeach()
  add_test(NAME wire_soak COMMAND ${DUMONT_PYTHON} -B ${wire}/soak.py 600
           $<TARGET_FILE:dumont> $<TARGET_FILE:dumont-fake>)
  set_tests_properties(wire_soak PROPERTIES LABELS slow TIMEOUT 900)
  foreach(group Access BadReplies Faults Moments Secrets)
    add_test(NAME wire_failures_${group} COMMAND ${DUMONT_PYTHON} -B ${wire}/failures.py ${group}
             $<TARGET_FILE:dumont> $<TARGET_FILE:dumont-fake>)
    set_tests_properties(wire_failures_${group} PROPERTIES LABELS wire TIMEOUT 600 PROCESSORS 2)
  endforeach()
endif()
