# Fuzz targets, driven over their own seeds and changed copies of them; libFuzzer can drive them too (tests/fuzz/fuzz.h).
function(dumont_fuzz target rounds)
  add_executable(fuzz_${target} fuzz/fuzz_${target}.c fuzz/fuzz_main.c)
  target_include_directories(fuzz_${target} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/fuzz)
  target_link_libraries(fuzz_${target} PRIVATE dumont_options ${ARGN})
  target_compile_definitions(fuzz_${target} PRIVATE DUMONT_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  add_test(NAME fuzz_${target} COMMAND fuzz_${target} ${rounds})
  set_tests_properties(fuzz_${target} PROPERTIES LABELS fuzz TIMEOUT 300)
endfunction()

if(TARGET fake_sftp)
  dumont_fuzz(sftp 10000 fake_sftp)
  dumont_fuzz(scp 10000 fake_sftp)
endif()

# Counted by requests: some in each run of the tests, a hundred thousand among the slow ones.
dumont_fuzz(market "--units;20000" fake_market PkgConfig::CJSON)
target_compile_definitions(fuzz_market PRIVATE FUZZ_COUNTS_UNITS)
add_test(NAME fuzz_market_100000 COMMAND fuzz_market --units 100000)
set_tests_properties(fuzz_market_100000 PROPERTIES LABELS slow TIMEOUT 600)

dumont_fuzz(bucket 10000 fake_bucket PkgConfig::CJSON)
