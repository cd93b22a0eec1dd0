# Real clients against machines of the running fake, of both kinds.
if(DUMONT_PYTHON AND TARGET dumont-fake)
  foreach(group Modelled Sandboxed Crowd ModelledCrowd Silence ModelledSilence Without Large LargeModelled)
    add_test(NAME hosts_${group}
             COMMAND ${DUMONT_PYTHON} -B ${CMAKE_CURRENT_SOURCE_DIR}/hosts/clients.py ${group} $<TARGET_FILE:dumont-fake>)
    set_tests_properties(hosts_${group} PROPERTIES LABELS wire TIMEOUT 300 SKIP_RETURN_CODE 77)
  endforeach()
  foreach(group Coverage ModelledFaults SandboxedFaults Load SandboxedLoad)
    add_test(NAME hosts_${group}
             COMMAND ${DUMONT_PYTHON} -B ${CMAKE_CURRENT_SOURCE_DIR}/hosts/faults.py ${group} $<TARGET_FILE:dumont-fake>)
    set_tests_properties(hosts_${group} PROPERTIES LABELS wire TIMEOUT 300 SKIP_RETURN_CODE 77)
  endforeach()
  set_tests_properties(hosts_Large hosts_LargeModelled PROPERTIES LABELS slow)
endif()
