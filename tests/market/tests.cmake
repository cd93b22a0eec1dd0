dumont_tests(market unit fake_market PkgConfig::CJSON)
