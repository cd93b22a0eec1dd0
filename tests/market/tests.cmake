dumont_tests(market unit fake_market PkgConfig::CJSON)

# The same contracts over sockets, with time moved forward by the control API.
add_test(NAME market_contract_sockets
         COMMAND dumont-fake --offers 200 --speed 500 --no-ssh -- ${CMAKE_CURRENT_SOURCE_DIR}/market/contract.py)
add_test(NAME market_contract_sockets_legacy
         COMMAND dumont-fake --offers 200 --speed 500 --no-ssh --legacy-list on --
                 ${CMAKE_CURRENT_SOURCE_DIR}/market/contract.py
                 ${CMAKE_CURRENT_SOURCE_DIR}/market/contract/dumont-cloud-list-legacy.json)
set_tests_properties(market_contract_sockets market_contract_sockets_legacy PROPERTIES LABELS socket TIMEOUT 120)
