dumont_tests(bucket unit fake_cloud PkgConfig::CJSON)

# The running store, with rclone and without: one ctest entry for each class.
find_program(DUMONT_PYTHON NAMES python3 PATHS /usr/bin NO_DEFAULT_PATH)
find_program(DUMONT_RCLONE NAMES rclone)
function(bucket_program program class label)
  add_test(NAME bucket_${class} COMMAND ${DUMONT_PYTHON} -B ${CMAKE_CURRENT_SOURCE_DIR}/bucket/${program}.py ${class}
                                        $<TARGET_FILE:dumont-fake>)
  set_tests_properties(bucket_${class} PROPERTIES LABELS ${label} TIMEOUT 600)
endfunction()
if(DUMONT_PYTHON AND DUMONT_RCLONE)
  foreach(class Commands Parts Adversity)
    bucket_program(rclone ${class} wire)
  endforeach()
  bucket_program(rclone Storm slow)
  bucket_program(crash Crash wire)
  bucket_program(crash CrashHundred slow)
endif()
